export { createLedgerActivities } from './ledgerActivities.ts';
export { createProviderActivities } from './providerActivities.ts';
