/** What we send or store elsewhere: the archive of finished videos, and webhooks to tenants and to the operator. */
export { ContentTooLarge, IncompleteContent, type ByteRange, type ContentStore, type Stored } from './contentStore.ts';
export { createFolderStore } from './folderStore.ts';
export { createWebhookSender, type WebhookSender } from './webhooks.ts';
export { faultOfWebhookUrl, mayBePrivate, type PrivateFor } from './webhookUrl.ts';
