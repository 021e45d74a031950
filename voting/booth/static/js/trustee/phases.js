/**
 * Protocol S1, S2: the phases of an election and what may happen in each (docs/spec/record.md), as
 * voting/election/phases.py.
 *
 * Must not import anything.
 */

const SETUP = ["setup"];
const OPEN = ["open"];
const UNFINISHED = ["setup", "open", "closed", "tallied"];

/** Protocol S1: entry type -> phases in which it may come. */
export const ALLOWED = {
  "election.defined": ["empty"],
  "trustee.joined": SETUP,
  "trustee.committed": SETUP,
  "trustee.dealt": SETUP,
  "trustee.confirmed": SETUP,
  "trustee.complained": SETUP,
  "trustee.answered": SETUP,
  "trustee.restarted": SETUP,
  "credentials.listed": SETUP,
  "election.opened": SETUP,
  "ballot.cast": OPEN,
  "election.extended": OPEN,
  "election.closed": OPEN,
  "tally.encrypted": ["closed"],
  "tally.share": ["tallied"],
  "election.result": ["tallied"],
  "election.notice": [...UNFINISHED, "published", "cancelled"],
  "election.cancelled": UNFINISHED,
};

/** Protocol S2: entry types that end a phase -> the phase that follows. */
export const LEADS_TO = {
  "election.defined": "setup",
  "election.opened": "open",
  "election.closed": "closed",
  "tally.encrypted": "tallied",
  "election.result": "published",
  "election.cancelled": "cancelled",
};
