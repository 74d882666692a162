/** What we send or store elsewhere: for now, the archive of finished videos. */
export { IncompleteContent, type ByteRange, type ContentStore, type Stored } from './contentStore.ts';
export { createFolderStore } from './folderStore.ts';
