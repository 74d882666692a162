import type { Registry } from 'prom-client';
import { Counter } from 'prom-client';
import type { SettlementAlarm } from '../activities/index.ts';

const HELP: Record<SettlementAlarm, string> = {
  settlement_conflict: 'Settlements asked for that differ from the one that stands.',
  settlement_refused: 'Settlements that a rule or a constraint of the ledger refused.',
  emergency_release: 'Holds released because their outcome could not be recorded.',
};

/** Counters that an operator is alerted by: `holdfast_settlement_conflict_total` and so on. */
export function countAlarms(registry: Registry): (alarm: SettlementAlarm) => void {
  const counters = new Map(
    Object.entries(HELP).map(([alarm, help]) => [
      alarm,
      new Counter({ name: `holdfast_${alarm}_total`, help, registers: [registry] }),
    ]),
  );
  return (alarm) => counters.get(alarm)?.inc();
}
