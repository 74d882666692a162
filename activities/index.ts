export { createLedgerActivities, type SettlementAlarm } from './ledgerActivities.ts';
export { createProviderActivities } from './providerActivities.ts';
