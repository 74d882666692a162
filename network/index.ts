/** Which addresses we may connect to when somebody else names them: a tenant's webhook URL, a provider's redirect. */
export { checkedAddress, connectorTo, NotPublic, publicConnector, type AddressRules } from './checkedAddress.ts';
export { isPublicAddress } from './publicAddress.ts';
export { connector } from './connector.ts';
export { proxyConnector, ProxyRefused } from './proxyConnector.ts';
