/** The user of your own session; here a header says it, because the example has no sign-in. */
export function signedIn(request) {
  return request.headers.get('x-example-user');
}
