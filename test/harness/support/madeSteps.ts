import type { OfferedParameter } from '../../../contracts/offers.ts';
import type { OfferTerms } from '../../../ledger/index.ts';
import type { GenerationEvent, SeenVideo } from '../../../store/index.ts';
import { openTenant, type Tenant, type TestDatabase } from './database.ts';
import { FINISHED, PROVIDER } from './ledgerSteps.ts';
import { offerSteps } from './offerSteps.ts';

/** What tests of what was made against what was sold do (MR-75). Every generation here is of 8 s with sound. */

const GRANTED = 1_000_000;
export const AUDIO = {
  name: 'generate_audio',
  type: 'boolean',
  default: false,
  price: { true: { per_second_microcredits: 500 } },
} satisfies OfferedParameter;
export const TERMS: OfferTerms = { lengths: [4, 8, 12], parameters: [AUDIO] };
/** What it is sold for: 1500 microcredits a second, with sound. */
export const SOLD = 8 * 1500;

export type Made = Pick<SeenVideo, 'seconds' | 'size' | 'model' | 'hasAudio'>;

export function madeSteps(database: () => TestDatabase) {
  /** The tenant of the last generation; each `made` has one of its own. */
  let current: Tenant | undefined;
  const tenant = (): Tenant => {
    if (current === undefined) throw new Error('no tenant was opened yet');
    return current;
  };
  const newTenant = async () => (current = await openTenant(database(), GRANTED));
  const offers = offerSteps(() => ({ db: database(), tenant: tenant() }));

  /** One that is not yet looked at, of a model that has a smaller size for 400 microcredits a second. */
  async function made(rule: 'as_made' | 'as_sold', terms: OfferTerms = {}): Promise<{ id: string; model: string }> {
    await newTenant();
    const model = await offers.sold({ ...TERMS, ...terms, charge_rule: rule });
    await offers.setPrice(model, { cost: 400 }, '320x640');
    return { id: await begun(model, (terms.parameters ?? TERMS.parameters)?.[0]?.name), model };
  }

  async function begun(model: string, sound = 'generate_audio'): Promise<string> {
    const { ledger } = database();
    const asked = { seconds: 8, size: '720x1280', parameters: { [sound]: true } };
    const admitted = await offers.admit(model, asked, tenant());
    if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
    const { generationId: id } = admitted;
    await ledger.placeHold(id, 3600);
    await ledger.beginAttempt(id, [PROVIDER]);
    await ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: `at_${id}`, providerCreatedAt: null });
    return id;
  }

  const look = (id: string, told: Made) => database().ledger.recordLook(id, `at_${id}`, { ...FINISHED, ...told });

  /** What the tenant has paid, and what it has on hold. */
  async function balance(): Promise<{ charged: number; held: number }> {
    const { availableMicrocredits, heldMicrocredits } = await database().ledger.getBalance(tenant().accountId);
    return { charged: GRANTED - availableMicrocredits - heldMicrocredits, held: heldMicrocredits };
  }

  async function eventsOf(id: string, kind: string): Promise<GenerationEvent['data'][]> {
    const events = await database().ledger.listEvents(tenant().accountId, id);
    return events.filter((event) => event.kind === kind).map(({ data }) => data);
  }

  return { tenant, newTenant, made, begun, look, balance, eventsOf, ...offers };
}
