/** Whether a key can be sent in a header. With any other, each call would fail before it is sent, in an error that quotes the key. */
export const isHeaderText = (text: string) => /^[\x21-\x7e]{1,4096}$/.test(text);
