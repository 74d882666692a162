/** The addresses of workflows' pages in Temporal Web; null for each if it has no address. */
export function createWorkflowLinks(webUrl: string | undefined, namespace: string) {
  return (workflowId: string): string | null =>
    webUrl === undefined
      ? null
      : `${webUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
