import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { delayBefore } from '../src/logic/backoff.ts';
import { giveUpAfterMs, repair, type IceState } from '../src/logic/repair.ts';

/** The seconds at which a side restarts when the given state lasts, until it gives up. */
function restarts(state: IceState, polite: boolean): { at: number[]; gaveUpAt: number } {
  const at: number[] = [];
  let restartedAt = -Infinity;
  for (let now = 0; ; now += 1_000) {
    const verdict = repair(state, { silentMs: now, sinceRestartMs: now - restartedAt }, polite);
    if (verdict === 'give-up') return { at, gaveUpAt: now };
    if (verdict === 'restart') {
      at.push(now / 1_000);
      restartedAt = now;
    }
  }
}

describe('repair', () => {
  test('leaves a call alone whose media flows', () => {
    for (const state of ['connected', 'completed'] as const) assert.equal(repair(state, { silentMs: 0, sinceRestartMs: Infinity }, false), 'none');
  });

  test('restarts at once after a failure, the impolite side first', () => {
    assert.equal(restarts('failed', false).at[0], 0);
    assert.equal(restarts('failed', true).at[0], 2);
  });

  test('waits out a short interruption', () => {
    assert.equal(restarts('disconnected', false).at[0], 3);
    assert.equal(restarts('disconnected', true).at[0], 5);
  });

  test('tries again, not all the time, and gives up in the end', () => {
    for (const state of ['failed', 'disconnected', 'checking'] as const) {
      const { at, gaveUpAt } = restarts(state, false);
      assert.equal(gaveUpAt, giveUpAfterMs);
      assert.ok(at.length >= 3 && at.length <= 12, `${state}: ${at}`);
      at.slice(1).forEach((time, index) => assert.ok(time - at[index]! >= 6));
    }
  });

  test('gives the first checks their time', () => {
    assert.ok(restarts('checking', false).at[0]! >= 10);
  });
});

describe('back-off', () => {
  test('doubles up to its longest, and spreads', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5, 60].map((attempt) => delayBefore(attempt, 0)), [250, 500, 1000, 2000, 4000, 7500, 7500]);
    assert.deepEqual([0, 1, 5, 60].map((attempt) => delayBefore(attempt, 1)), [500, 1000, 15000, 15000]);
  });
});
