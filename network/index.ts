/** Where this product may connect to when somebody else names the address: a tenant's webhook URL, a provider's redirect. */
export {
  checkedAddress,
  connectorTo,
  NotPublic,
  publicConnector,
  resolveByDns,
  type AddressRules,
} from './checkedAddress.ts';
export { isPublicAddress } from './publicAddress.ts';
export { connector } from './connector.ts';
