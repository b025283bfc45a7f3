import { expect, test } from "vitest";
import { ByteBudget, SMALL_BYTES_MAX } from "./byte-budget.ts";
import type { BudgetHolder } from "./byte-budget.ts";

class Holder implements BudgetHolder {
  isMidFrame: boolean;
  reads = true;
  heldBytes = 0;
  readonly #budget: ByteBudget;

  constructor(budget: ByteBudget, isMidFrame: boolean) {
    this.#budget = budget;
    this.isMidFrame = isMidFrame;
  }

  readAgain(): boolean {
    this.reads = this.#budget.admits(this);
    return this.reads;
  }
}

test("above the limit nobody is read until what is under way has made room", () => {
  const budget = new ByteBudget(100);
  const [one, two] = [new Holder(budget, true), new Holder(budget, false)];
  budget.change(0, 100);
  expect([one.readAgain(), two.readAgain()]).toEqual([true, true]);
  budget.change(20, 10);
  expect([one.readAgain(), two.readAgain()]).toEqual([false, false]);
  budget.change(0, -10);
  expect([one.reads, two.reads, budget.waitingCount]).toEqual([false, false, 2]);
  budget.change(-20, 0);
  expect([one.reads, two.reads, budget.waitingCount]).toEqual([true, true, 0]);
});

test("when all of it is halves of frames, one after another is completed", () => {
  const budget = new ByteBudget(100);
  const [one, two, idle] = [
    new Holder(budget, true),
    new Holder(budget, true),
    new Holder(budget, false),
  ];
  budget.change(150, 0);
  expect([idle.readAgain(), one.readAgain(), two.readAgain()]).toEqual([false, true, false]);
  one.isMidFrame = false;
  budget.change(-80, 90);
  budget.completed(one);
  expect([two.reads, idle.reads]).toEqual([false, false]); // the request that was completed will make room
  budget.change(0, -90);
  expect([two.reads, idle.reads]).toEqual([true, true]);
});

test("a holder that leaves lets another in its place, and is not called again", () => {
  const budget = new ByteBudget(10);
  const [one, two] = [new Holder(budget, true), new Holder(budget, true)];
  budget.change(50, 0);
  expect([one.readAgain(), two.readAgain()]).toEqual([true, false]);
  budget.leave(one);
  expect(two.reads).toBe(true);
  budget.leave(two);
  two.reads = false;
  budget.change(-50, 0);
  expect([two.reads, budget.waitingCount]).toEqual([false, 0]);
});

test("the last quarter is for those who hold little", () => {
  const budget = new ByteBudget(100);
  const [greedy, modest] = [new Holder(budget, true), new Holder(budget, true)];
  greedy.heldBytes = SMALL_BYTES_MAX;
  budget.change(10, 70);
  expect([greedy.readAgain(), modest.readAgain()]).toEqual([false, true]);
  budget.change(0, 30);
  expect([greedy.readAgain(), modest.readAgain()]).toEqual([false, false]);
  budget.change(0, -20);
  expect([greedy.reads, modest.reads]).toEqual([false, true]);
  budget.change(0, -30);
  expect(greedy.reads).toBe(true);
});

test("it stays full only as long as somebody waits without a break", () => {
  const budget = new ByteBudget(100);
  const one = new Holder(budget, false);
  budget.change(0, 110);
  expect([budget.staysFull(), budget.staysFull()]).toEqual([false, false]); // nobody waits
  one.readAgain();
  expect([budget.staysFull(), budget.staysFull()]).toEqual([false, true]);
  budget.change(0, -40);
  budget.change(0, 40);
  one.readAgain();
  expect([budget.staysFull(), budget.staysFull()]).toEqual([false, true]);
});
