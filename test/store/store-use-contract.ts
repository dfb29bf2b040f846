import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { StoreInUseError, type StoreUse } from '../../src/store/store-use.ts';
import { aDelivery } from '../support/store-builders.ts';

/** A place where a store is or will be, in which anybody may try to open it. */
export type StorePlace = { open(use: StoreUse): Promise<Store> } & AsyncDisposable;

/** What every store promises about who may have it open. */
export function describeStoreUse(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`${name}: who may have it open`, () => {
    test('nobody rebuilds it beside a coordinator, and is told who that is, since when, and what to do', async () => {
      await using place = await makePlace();
      const coordinator = await place.open('serve');

      const recovery = place.open('recover');

      await expect(recovery).rejects.toThrow(StoreInUseError);
      await expect(recovery).rejects.toThrow(
        new RegExp(
          `in use by a coordinator \\(.+, process ${process.pid}, for [\\d.]+ s\\)\\. Stop it, then repeat this`,
        ),
      );
      expect(await coordinator.putDelivery(aDelivery()), 'it is left as it was').toBe('stored');
      await coordinator.close();
      await using afterwards = await place.open('recover');
      expect(await afterwards.jobs.countByState()).toEqual({});
    });

    test('while it is rebuilt no coordinator starts, nor is it rebuilt twice at once', async () => {
      await using place = await makePlace();
      const recovery = await place.open('recover');

      for (const use of ['serve', 'recover'] as const) {
        const other = place.open(use);
        await expect(other).rejects.toThrow(StoreInUseError);
        await expect(other).rejects.toThrow(
          new RegExp(
            `is being rebuilt by \`yardmaster recover\` \\(.+, process ${process.pid}, for [\\d.]+ s\\)\\. .*when that is done`,
          ),
        );
      }
      await recovery.transact(async (tx) => tx.sweeps.putMark('recovered', 'yes'));
      await recovery.close();
      await using coordinator = await place.open('serve');
      expect(await coordinator.sweeps.getMark('recovered')).toBe('yes');
    });
  });
}
