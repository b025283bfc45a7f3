// What runs have been through. A simulator that crashed nothing and elected nobody proves nothing, so the sums of all
// seeds are held against floors.

export interface Totals {
  seeds: number;
  simulatedMs: number;
  events: number;
  kills: number;
  powerLosses: number;
  elections: number;
  acknowledged: number;
  served: number;
  transfers: number;
  moves: number;
  cuts: number;
  oneWayCuts: number;
  clogs: number;
  freezes: number;
  stalls: number;
  diskErrors: number;
  wiped: number;
  restored: number;
  replayed: number;
}

export function newTotals(): Totals {
  return {
    seeds: 0,
    simulatedMs: 0,
    events: 0,
    kills: 0,
    powerLosses: 0,
    elections: 0,
    acknowledged: 0,
    served: 0,
    transfers: 0,
    moves: 0,
    cuts: 0,
    oneWayCuts: 0,
    clogs: 0,
    freezes: 0,
    stalls: 0,
    diskErrors: 0,
    wiped: 0,
    restored: 0,
    replayed: 0,
  };
}

export function addTotals(into: Totals, more: Totals): void {
  for (const name of Object.keys(into) as (keyof Totals)[]) into[name] += more[name];
}
