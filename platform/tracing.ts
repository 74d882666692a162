import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry-v2/lib/client/index.js';
import type {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
} from '@temporalio/interceptors-opentelemetry-v2/lib/worker/index.js';
import { createLog } from './log.ts';

/** What a process gives to Temporal's SDK, so that it tells OpenTelemetry what a generation does. */
export interface Tracing {
  readonly clientInterceptors: readonly OpenTelemetryWorkflowClientInterceptor[];
  /** Options of a worker. Its workflows must come from the bundle with the interceptors in it (`workflows/tracing.ts`). */
  readonly worker: {
    readonly interceptors: {
      readonly activity: ((context: ConstructorParameters<typeof OpenTelemetryActivityInboundInterceptor>[0]) => {
        readonly inbound: OpenTelemetryActivityInboundInterceptor;
      })[];
    };
    readonly sinks: { readonly exporter: ReturnType<typeof makeWorkflowExporter> };
  };
  /** Sends what is not sent yet, if the collector takes it soon. Never raises. */
  readonly close: () => Promise<void>;
}

interface Settings {
  /** Where the collector takes OTLP over HTTP: its base URL, to which `/v1/traces` is added. */
  readonly tracesEndpoint: string | undefined;
  readonly logLevel: string;
}

/** A process that ends waits this long for its collector. */
const FLUSH_MS = 1000;

/** Undefined without an endpoint: then no module of OpenTelemetry is loaded. Once a process, for OpenTelemetry's parts are global. */
export async function startTracing(
  service: 'api' | 'worker',
  { tracesEndpoint, logLevel }: Settings,
): Promise<Tracing | undefined> {
  if (tracesEndpoint === undefined) return undefined;
  const [{ resourceFromAttributes }, sdk, { OTLPTraceExporter }, ofClient, ofWorker] = await Promise.all([
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@temporalio/interceptors-opentelemetry-v2/lib/client/index.js'),
    import('@temporalio/interceptors-opentelemetry-v2/lib/worker/index.js'),
  ]);
  const log = createLog(service, logLevel);
  const collector = new OTLPTraceExporter({ url: `${tracesEndpoint.replace(/\/+$/, '')}/v1/traces` });
  // Its queue is bounded: while the collector is away, the newest spans are dropped, and nothing waits.
  const processor = new sdk.BatchSpanProcessor(
    withoutSecrets(collector, {
      onAway: (error) => log.warn({ err: error }, 'the collector of traces takes none; they are lost until it does'),
      onBack: () => log.info('the collector of traces takes them again'),
    }),
  );
  const resource = resourceFromAttributes({ 'service.name': `holdfast-${service}` });
  const provider = new sdk.NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return {
    clientInterceptors: [new ofClient.OpenTelemetryWorkflowClientInterceptor()],
    worker: {
      interceptors: {
        activity: [(context) => ({ inbound: new ofWorker.OpenTelemetryActivityInboundInterceptor(context) })],
      },
      sinks: { exporter: ofWorker.makeWorkflowExporter(processor, resource) },
    },
    close: async () => {
      const waited = new Promise<void>((resolve) => {
        setTimeout(resolve, FLUSH_MS).unref();
      });
      await Promise.race([provider.shutdown().catch(() => undefined), waited]);
    },
  };
}

interface Reachability {
  readonly onAway: (error: Error | undefined) => void;
  readonly onBack: () => void;
}

/** Sends only what `withoutSecret` leaves of a span, and says once that the collector is away, and once that it is back. */
function withoutSecrets(collector: SpanExporter, { onAway, onBack }: Reachability): SpanExporter {
  let isAway = false;
  return {
    export: (spans, done) => {
      collector.export(spans.map(withoutSecret), (result) => {
        const failed = result.code !== 0;
        if (failed && !isAway) onAway(result.error);
        if (!failed && isAway) onBack();
        isAway = failed;
        done(result);
      });
    },
    shutdown: () => collector.shutdown(),
  };
}

/** The interceptors' attributes that are sent, under the interceptors' own names; each is an id. */
const SENT: Readonly<Record<string, readonly string[]>> = {
  // The last of each is what spans of a workflow have: the SDK's whole `WorkflowInfo` becomes attributes, memo and last failure too.
  temporalWorkflowId: ['temporalWorkflowId', 'workflowId'],
  run_id: ['run_id', 'runId'],
  temporalActivityId: ['temporalActivityId'],
  temporalUpdateId: ['temporalUpdateId'],
};

/** Of a failure only its kind is sent: its message and stack may quote a provider, whose words may quote a prompt. */
function withoutSecret(span: ReadableSpan): ReadableSpan {
  const { name, kind, parentSpanContext, startTime, endTime, duration, ended, resource, instrumentationScope } = span;
  return {
    ...{ name, kind, startTime, endTime, duration, ended, resource, instrumentationScope },
    ...(parentSpanContext === undefined ? {} : { parentSpanContext }),
    spanContext: () => span.spanContext(),
    status: { code: span.status.code },
    attributes: pick(span.attributes, SENT),
    events: span.events.map((event) => ({
      ...{ name: event.name, time: event.time },
      attributes: pick(event.attributes ?? {}, { 'exception.type': ['exception.type'] }),
    })),
    links: [],
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}

function pick(from: Attributes, names: typeof SENT): Attributes {
  const picked: Record<string, AttributeValue> = {};
  for (const [name, sources] of Object.entries(names)) {
    const value = sources.map((source) => from[source]).find((each) => each !== undefined);
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
