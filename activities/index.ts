export { createLedgerActivities, type SettlementAlarm } from './ledgerActivities.ts';
export { createProviderActivities, type ProviderDependencies } from './providerActivities.ts';
