import type { Bound, Database } from '../store/database.ts';
import { bind } from '../store/database.ts';
import { accountExists, getAccount, getLastGeneration } from './accountDetails.ts';
import { getBalance, grantCredits, openAccount, setAccountFrozen } from './accounts.ts';
import { admitGeneration, admitText, voidGeneration } from './admission.ts';
import { compareLatestAccounts, compareNextAccounts, countEmergencyReleases } from './audit.ts';
import { claimGeneration } from './claims.ts';
import { placeHold, recordSettlementRefusal, settleGeneration } from './holds.ts';
import { listHolds, listTransactions } from './lists.ts';
import { getOverview, listAccounts, listEmergencyReleases } from './overview.ts';
import { listModels } from './models.ts';
import { listOffers, listOfferVersions, listUnprovided, quoteVideo, setOffer } from './offers.ts';
import { listPrices, setPrice } from './prices.ts';
import { listFollowed, listHeld, stopFollowing, voidLateRequests } from './reconcile.ts';
import { refundGeneration } from './refunds.ts';
import { findRepeat, keepAnswer, markKnown } from './repeats.ts';
import { getSales, setSales } from './sales.ts';
import { getSpendByDay } from './spendByDay.ts';
import { getStatement, getTotals } from './statement.ts';
import { getTextPrice, listTextPrices, setTextPrice } from './textPrices.ts';

/** The money operations: they move credits, decide about them, and show where they went. */
const operations = {
  ...{ openAccount, setAccountFrozen, getBalance, grantCredits, listAccounts },
  ...{ accountExists, getAccount, getLastGeneration },
  ...{ listModels, listPrices, setPrice, getTextPrice, listTextPrices, setTextPrice, getSales, setSales },
  ...{ listOffers, listOfferVersions, listUnprovided, quoteVideo, setOffer },
  ...{ admitGeneration, admitText, claimGeneration, voidGeneration, findRepeat, keepAnswer, markKnown },
  ...{ placeHold, settleGeneration, recordSettlementRefusal, refundGeneration },
  ...{ listHolds, listTransactions, getStatement, getTotals, getSpendByDay },
  ...{ getOverview, listEmergencyReleases },
  ...{ listHeld, listFollowed, stopFollowing, voidLateRequests },
  ...{ compareNextAccounts, compareLatestAccounts, countEmergencyReleases },
};

/** The ledger's operations on one database. A consumer declares which of them it uses (`Pick`). */
export type Ledger = Bound<typeof operations>;

/** Binds the ledger's operations to a database. */
export function createLedger(db: Database): Ledger {
  return bind(db, operations);
}

export { priceOf, readPriceBook, withPriceBook, type PriceBook } from './priceBook.ts';
export { setOffer } from './offers.ts';
export { setPrice } from './prices.ts';
export { setTextPrice } from './textPrices.ts';
export { CSV_HEADER, toCsv, toStatementCsv } from './csv.ts';
export { type Difference, type Verification, verifyLedger } from './verify.ts';
export type { AccountDetails, LastGeneration } from './accountDetails.ts';
export type { Balance, Frozen, Grant, OpenedAccount } from './accounts.ts';
export type { Admission, AnyAdmission, KeptAnswer } from './admission.ts';
export type { Repeated } from './repeats.ts';
export type { Claim } from './claims.ts';
export type { Movement } from './holds.ts';
export type { ListedHold } from './lists.ts';
export type { EmergencyRelease, ListedAccount, Overview } from './overview.ts';
export type { AskedVideo, Offer, OfferTerms, OfferVersion } from './offers.ts';
export type { Price } from './prices.ts';
export type { PriceChange } from './priceChange.ts';
export type { HeldGeneration } from './reconcile.ts';
export type { Refund } from './refunds.ts';
export type { Sales } from './sales.ts';
export type { DaysSpend } from './spendByDay.ts';
export type { Statement, StatementTotals } from './statement.ts';
export type { StatementLine } from './statementLine.ts';
export type { TextPrice } from './textPrices.ts';
