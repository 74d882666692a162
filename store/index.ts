import {
  beginAttempt,
  endAttempt,
  getProviderVideo,
  noteAmbiguousAttempt,
  noteUnreachable,
  recordLook,
} from './attempts.ts';
import { beginCancel, noteCancelUnclear, recordCancelEnded } from './cancels.ts';
import {
  closeConsoleSession,
  findConsoleCaller,
  isOperatorsSession,
  openConsoleSession,
  redeemConsoleLink,
} from './consoleSessions.ts';
import {
  getArchiving,
  getContent,
  getRefunded,
  listUnarchived,
  recordArchivedVideo,
  recordContent,
  recordContentGone,
  recordContentServed,
  recordUnusableContent,
} from './contents.ts';
import { getCurrentBuild, recordCurrentBuild } from './currentBuild.ts';
import type { Bound, Database } from './database.ts';
import { bind } from './database.ts';
import { beginDeletion, beginOwnersDeletion, deleteGeneration, endDeletion, listUnclaimed } from './deletions.ts';
import {
  compareRights,
  countAtOthers,
  countOverdue,
  countUnarchived,
  listMigrations,
  ping,
  readClock,
  readDebts,
} from './doctor.ts';
import { listEvents } from './events.ts';
import { findCallersVideo, getGeneration, listGenerations, requestCancel } from './generations.ts';
import {
  addApiKey,
  findCaller,
  getKeySpending,
  isKeyInForce,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
} from './keys.ts';
import {
  adoptVideo,
  findListedBefore,
  findOwnedVideos,
  getOpenAttempt,
  listUnmatchedPrompts,
  noteOwnerlessVideos,
} from './lookup.ts';
import { getTextsForOperator, getVideosForOperator } from './operatorViews.ts';
import { listProbed, recordProbe } from './probes.ts';
import { keepSweep, listOpenVideos, listSweeps, sweepTells, takeSweepNudges } from './sweeps.ts';
import { leaseRequests } from './requestWindows.ts';
import { takeTurn } from './turns.ts';
import { recordProviderEvent } from './providerEvents.ts';
import { searchGenerations } from './searches.ts';
import { beginText, closeText, endText, getText, listTexts, recordText } from './texts.ts';
import {
  getWebhookToSend,
  listOverdueWebhooks,
  listWebhookDeliveries,
  listWebhooks,
  recordWebhookAttempt,
  redeliverWebhook,
} from './webhookDeliveries.ts';
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  enableWebhookEndpoint,
  getWebhookEndpoint,
  listWebhookEndpoints,
  rotateWebhookSecret,
} from './webhookEndpoints.ts';

/** What PostgreSQL keeps beside the money. Nothing here moves credits, except the refunds for content that is lost, or is less than was charged (MR-22, MR-75). */
const operations = {
  ...{ beginAttempt, endAttempt, noteAmbiguousAttempt, getProviderVideo, noteUnreachable, recordLook },
  ...{ getOpenAttempt, adoptVideo, findOwnedVideos, findListedBefore, noteOwnerlessVideos, listUnmatchedPrompts },
  ...{ getGeneration, findCallersVideo, listGenerations, listEvents, recordProviderEvent },
  ...{ requestCancel, beginCancel, recordCancelEnded, noteCancelUnclear },
  ...{ searchGenerations, getVideosForOperator, getTextsForOperator },
  ...{ getText, listTexts, beginText, recordText, endText, closeText },
  ...{ getContent, getArchiving, recordContent, recordContentGone, recordContentServed, recordUnusableContent },
  ...{ getRefunded, listUnarchived, recordArchivedVideo },
  ...{ beginOwnersDeletion, deleteGeneration, listUnclaimed, beginDeletion, endDeletion },
  ...{ addApiKey, rotateApiKey, revokeApiKey, listApiKeys, isKeyInForce, findCaller, getKeySpending },
  ...{ openConsoleSession, redeemConsoleLink, closeConsoleSession, findConsoleCaller, isOperatorsSession },
  ...{ createWebhookEndpoint, listWebhookEndpoints, getWebhookEndpoint, deleteWebhookEndpoint, enableWebhookEndpoint },
  ...{ rotateWebhookSecret, listWebhooks, listOverdueWebhooks, getWebhookToSend, recordWebhookAttempt },
  ...{ listWebhookDeliveries, redeliverWebhook },
  ...{ recordProbe, listProbed, takeTurn, leaseRequests },
  ...{ listOpenVideos, takeSweepNudges, keepSweep, sweepTells, listSweeps },
  ...{ getCurrentBuild, recordCurrentBuild },
  ...{ listMigrations, compareRights, countAtOthers, countOverdue, countUnarchived, readClock, readDebts, ping },
};

/** The store's operations on one database. A consumer declares which of them it uses (`Pick`). */
export type Store = Bound<typeof operations>;

/** Binds the store's operations to a database. */
export function createStore(db: Database): Store {
  return bind(db, operations);
}

export { Announcer, type Changes, listenForChanges } from './changes.ts';
export { type ConnectionFault, connectionFault, contactDatabase } from './connectionFault.ts';
export { type Database, openDatabase } from './database.ts';
export { type KeptOperation, type Once, once } from './once.ts';
export { LedgerError, type LedgerErrorCode, LedgerUnavailable } from './errors.ts';
export { createPool, type Pool } from './pool.ts';
export type { Labels } from './labels.ts';
export type { Listed, Page } from './pages.ts';
export type { AttemptStart, GenerationRequest, SeenVideo } from './attempts.ts';
export type { CancelStart } from './cancels.ts';
export type { ArchivedContent, Archiving, Content, ContentRefund, ServedPart } from './contents.ts';
export type { AppliedFile, Debts } from './doctor.ts';
export type { GenerationEvent } from './events.ts';
export type { Generation } from './generations.ts';
export type { Caller, FoundKey, KeySpending, KeyWithSpending, ListedKey } from './keys.ts';
export type { Adoption, OpenAttempt } from './lookup.ts';
export type { OperatorsText, OperatorsVideo } from './operatorViews.ts';
export { SearchTooBroad } from './boundedSearch.ts';
export type { GenerationSearch } from './searches.ts';
export type { Probed } from './probes.ts';
export type { Coverage, OpenVideo, Sweep, SweepReason } from './sweeps.ts';
export type { CallUrgency } from './turns.ts';
export type { ProviderEvent, RecordedEvent } from './providerEvents.ts';
export type { Text, TextClosing } from './texts.ts';
export type { LoggedDelivery, RecordedAttempt, WebhookToSend } from './webhookDeliveries.ts';
export type { WebhookEndpoint } from './webhookEndpoints.ts';
