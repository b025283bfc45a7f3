import { expect, it } from "vitest";
import { SETTING_NAMES } from "../../internal/config/settings-table.ts";
import { fixtureFiles, projectFiles } from "./project.ts";
import { unreadSettings } from "./unread-settings.ts";

it("unreadSettings finds none in the project", () => {
  expect(unreadSettings(projectFiles(), SETTING_NAMES)).toEqual([]);
});

it("unreadSettings finds a name that only a comment mentions", () => {
  const names = ["Date.now() in a string is no use of the clock", "Half of an import cycle."];
  expect(unreadSettings(fixtureFiles("broken"), names)).toEqual(["Half of an import cycle."]);
});
