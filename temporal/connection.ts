import type { ConnectionOptions, WorkflowClientInterceptor } from '@temporalio/client';
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  type isRetryableError,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { msToTs } from '@temporalio/common/lib/time.js';
import { SEARCH_ATTRIBUTE } from '../contracts/temporal.ts';

export const DEFAULT_NAMESPACE = 'default';
const DEFAULT_ADDRESS = '127.0.0.1:7233';

/** gRPC's status codes, and Temporal's number of the type Keyword. */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const AWAY = [4, 14];
const NOT_ALLOWED = [7, 16];
const KEYWORD = 2;

/** Deadlines of calls without one of their own. The server answers a long poll after 20 s even when nothing happened. */
const CALL_TIMEOUT_MS = 5000;
const LONG_POLL_TIMEOUT_MS = 60_000;
const LONG_POLLS = /\/(GetWorkflowExecutionHistory|PollWorkflowExecutionUpdate)$/;

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type NextCall = Parameters<Interceptor>[1];
type Status = Parameters<typeof isRetryableError>[0];

const RETRY = defaultGrpcRetryOptions();

/**
 * The start of a generation is what a client waits for: without a connection it is given up after 3 s (a server that is busy is
 * asked for 20 s). Its caller voids the generation, so it does not matter whether the call had arrived (MR-28).
 */
const STARTS = /\/ExecuteMultiOperation$/;
const RETRY_START = defaultGrpcRetryOptions({ maxAttempts: 6 });

/** gRPC would wait longer after each attempt, up to two minutes: as long as that we would refuse although Temporal is back. */
const RECONNECT_MS = 1000;

/** Without a deadline gRPC waits for a silent server as long as the connection lives. All retries share one deadline. */
const retryInTime: Interceptor = (options, nextCall) => {
  const { path } = options.method_definition;
  const timeoutMs = LONG_POLLS.test(path) ? LONG_POLL_TIMEOUT_MS : CALL_TIMEOUT_MS;
  const retry = STARTS.test(path) ? RETRY_START : RETRY;
  let last: Status | undefined;
  let isClosed = false;
  const retryableDecider = (attempt: number, status: Status) => {
    last = status;
    return !isClosed && retry.retryableDecider(attempt, status);
  };
  const again = makeGrpcRetryInterceptor({ ...retry, retryableDecider });
  // On a connection that was closed meanwhile gRPC throws in the timer of a retry, where nobody can catch it.
  const next: NextCall = (call) => {
    try {
      return nextCall(call);
    } catch (error) {
      if (last === undefined) throw error;
      isClosed = true;
      return endedWith(last);
    }
  };
  return again({ ...options, deadline: options.deadline ?? Date.now() + timeoutMs }, next);
};

/** A call that has failed. */
function endedWith(status: Status): ReturnType<NextCall> {
  const nothing = () => undefined;
  return {
    start: (_metadata, listener) => listener?.onReceiveStatus?.(status),
    getPeer: () => '',
    getAuthContext: () => null,
    ...{
      cancelWithStatus: nothing,
      sendMessageWithContext: nothing,
      sendMessage: nothing,
      startRead: nothing,
      halfClose: nothing,
    },
  };
}

/**
 * Node 20 and 22 follow every promise of a process, and make each slower, from the first use of an `AsyncLocalStorage` until it is
 * disabled. The SDK uses one for deadlines and signals and never disables it; here it is, whenever no such call is under way.
 */
class QuietConnection extends Connection {
  private calls = 0;

  override withDeadline<Result>(deadline: number | Date, fn: () => Promise<Result>): Promise<Result> {
    return this.during(() => super.withDeadline(deadline, fn));
  }

  override withAbortSignal<Result>(abortSignal: AbortSignal, fn: () => Promise<Result>): Promise<Result> {
    return this.during(() => super.withAbortSignal(abortSignal, fn));
  }

  private async during<Result>(call: () => Promise<Result>): Promise<Result> {
    this.calls += 1;
    try {
      return await call();
    } finally {
      this.calls -= 1;
      if (this.calls === 0) this.callContextStorage.disable();
    }
  }
}

/**
 * A client that connects at its first call, so that a process can start while Temporal is down. Every call has a deadline: its
 * own (`withDeadline`), or 5 s.
 */
export function createTemporalClient(
  { connectionOptions, namespace }: ClientConnectConfig,
  interceptors: readonly WorkflowClientInterceptor[] = [],
): Client {
  const { address, tls, apiKey, metadata } = connectionOptions;
  const connection = QuietConnection.lazy({
    connectTimeout: CALL_TIMEOUT_MS,
    // The worker's own connection knows no proxy of the environment, and http_proxy must not catch calls to this machine.
    channelArgs: {
      'grpc.enable_http_proxy': 0,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MS,
    },
    interceptors: [retryInTime],
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  });
  return new Client({
    ...{ connection, namespace: namespace ?? DEFAULT_NAMESPACE },
    interceptors: { workflow: [...interceptors] },
  });
}

const RETENTION = '7 days';

/** Registers the namespace if it is missing; histories are kept for seven days. Any number of processes may do it at once. */
export async function registerNamespace(client: Client): Promise<void> {
  const { workflowService } = client.connection as Connection;
  const { namespace } = client.options;
  try {
    await workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (!failedWith(error, NOT_FOUND)) throw error;
    await workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs(RETENTION) })
      .catch(unless(ALREADY_EXISTS));
  }
}

/** Keeps the histories of a namespace that somebody else has registered as long as those of ours. */
export async function setRetention(client: Client): Promise<void> {
  const config = { workflowExecutionRetentionTtl: msToTs(RETENTION) };
  await (client.connection as Connection).workflowService.updateNamespace({
    namespace: client.options.namespace,
    config,
  });
}

/**
 * Registers the search attributes that are missing; without them Temporal refuses to start a workflow. Any number of
 * processes may do it at once.
 */
export async function registerSearchAttributes(client: Client): Promise<void> {
  const { operatorService } = client.connection as Connection;
  const { namespace } = client.options;
  // One by one: a call for several is refused as a whole when one of them exists.
  for (const { name } of Object.values(SEARCH_ATTRIBUTE)) {
    await operatorService
      .addSearchAttributes({ namespace, searchAttributes: { [name]: KEYWORD } })
      .catch(unless(ALREADY_EXISTS));
  }
}

const failedWith = (error: unknown, code: number) => isGrpcServiceError(error) && error.code === code;

const unless = (code: number) => (error: unknown) => {
  if (!failedWith(error, code)) throw error;
};

/** Whether Temporal could not be reached, or did not answer in time. What was asked for may have been done. */
export function isAway(error: unknown): boolean {
  return AWAY.some((code) => failedWith(error, code));
}

/** Whether Temporal answers within `timeoutMs`. Never raises. */
export async function isTemporalUp(client: Client, timeoutMs: number): Promise<boolean> {
  try {
    await contactTemporal(client, timeoutMs);
    return true;
  } catch {
    return false;
  }
}

/** Why Temporal can't be used, in one line for an operator. */
export function temporalFault(error: unknown, { connectionOptions }: ClientConnectConfig): string {
  const server = `Temporal at ${connectionOptions.address ?? DEFAULT_ADDRESS} (TEMPORAL_ADDRESS)`;
  const code = isGrpcServiceError(error) ? error.code : 0;
  if (isAway(error)) return `${server} does not answer: start it, or correct TEMPORAL_ADDRESS.`;
  if (NOT_ALLOWED.includes(code)) return `${server} refuses us: correct TEMPORAL_API_KEY or TEMPORAL_TLS_CLIENT_….`;
  return `${server} can't be used: ${error instanceof Error ? error.message : 'unknown error'}.`;
}

/** Resolves when Temporal answers within `timeoutMs`; rejects otherwise, for `temporalFault`. */
export async function contactTemporal(client: Client, timeoutMs: number): Promise<void> {
  const connection = client.connection as Connection;
  await connection.withDeadline(Date.now() + timeoutMs, () => connection.workflowService.getSystemInfo({}));
}
