// The topic under test.
export const TOPIC = "history";
