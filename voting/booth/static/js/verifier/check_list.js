/**
 * The 21 checks: their numbers, titles, rules, and the checks whose subject they stand on (docs/spec/verification.md).
 *
 * Titles and rules are worded as `urne-verify` words them, so that one catalogue translates both; a test compares. Must
 * not touch a document or the network; imports nothing.
 */

/** @typedef {{id: string, title: string, needs: string[], rule: string}} CheckInfo */

/** @type {readonly CheckInfo[]} */
export const CHECK_LIST = [
  {
    id: "01",
    title: "Manifest",
    needs: [],
    rule: "the manifest has no fault (M15); with --manifest HASH, SHA-256 of its canonical bytes equals HASH.",
  },
  {
    id: "02",
    title: "Chain of entries",
    needs: [],
    rule:
      "header i is canonical JSON with seq = i and prev = SHA-256 of header i-1 (64 zeros for the first); " +
      "its body is canonical JSON of its type with SHA-256(body) and length as the header says. The files " +
      "have one line per entry.",
  },
  {
    id: "03",
    title: "Signed checkpoint",
    needs: ["01"],
    rule:
      "`checkpoint` carries a signature by the board's key that the manifest names, which `vkey` repeats; " +
      "its size is the number of headers; its root is MTH(headers), the Merkle tree hash of RFC 6962 over " +
      "the headers' bytes. As many of the manifest's witnesses have signed it as the manifest demands, and " +
      "every witness named with --witness.",
  },
  {
    id: "04",
    title: "Order of events",
    needs: ["01", "02", "05", "07", "08", "09", "10"],
    rule:
      "each entry's type is allowed in the phase that the entries before it led to (S1, S2); it names this " +
      "manifest or election, repeats no earlier entry, and the administrator's times never go backwards. " +
      "The closing counts the ballots.",
  },
  {
    id: "05",
    title: "Signatures of officials",
    needs: ["01"],
    rule:
      'Ed25519 over ("urne-v1-entry", entry type, manifest hash, SHA-256 of the content), framed (N1), ' +
      "under the key that the manifest names, or that the trustee announced on joining. Ballots (11) and " +
      "decryption shares (18) have checks of their own.",
  },
  {
    id: "06",
    title: "Trustees' commitments",
    needs: ["04", "05"],
    rule:
      "SHA-256 of the coefficients A_0 .. A_(k-1) is the hash of round 1; each A_m is in the group and is " +
      "not 1; each proof holds: c = H(context, A_m, g^z A_m^-c) (P3).",
  },
  {
    id: "07",
    title: "Trustees' ceremony",
    needs: ["04", "05", "06", "08"],
    rule:
      "T11 to T17. A complaint is settled if the published share fits: g^f_i(j) = prod over m of " +
      "A_(i,m)^(j^m). If it does not, the ceremony is begun anew without the dealer. The election opens " +
      "only on a finished ceremony.",
  },
  {
    id: "08",
    title: "Joint key",
    needs: ["04", "05", "06", "07"],
    rule:
      "K = prod over i of A_(i,0), in `election.opened` and in every confirmation; V_j = prod over i, m of " +
      "A_(i,m)^(j^m).",
  },
  {
    id: "09",
    title: "Credentials",
    needs: ["04", "05"],
    rule:
      "keys are valid Ed25519 keys in rising order, none twice in the whole record; 1 <= weight <= 10^12, " +
      "at most 9 * 10^12 in all; `voters` and `weight` of `election.opened` are their number and sum.",
  },
  {
    id: "10",
    title: "Opening",
    needs: ["04", "05", "07", "08", "09"],
    rule:
      "`election.opened` names the manifest's hash and the body hashes of all `credentials.listed`, in " +
      "order. With --election ID, SHA-256 of its body equals ID.",
  },
  {
    id: "11",
    title: "Ballot signatures",
    needs: ["04", "09", "10"],
    rule: 'the ballot\'s credential is listed, and signed the ballot hash: Ed25519 as in N1, type "ballot.cast".',
  },
  {
    id: "12",
    title: "Ciphertexts",
    needs: ["04", "10"],
    rule: "1 <= x < p and x^q = 1 mod p.",
  },
  {
    id: "13",
    title: "Ballot shape",
    needs: ["04", "10"],
    rule:
      "the numbers of ciphertexts, proofs, challenges and responses are those of the shape (M); every " +
      "scalar is below q.",
  },
  {
    id: "14",
    title: "Ballot proofs",
    needs: ["12", "13"],
    rule:
      "for each constraint with combined ciphertext (A, B) and each allowed v: a_v = g^z_v A^-c_v and b_v " +
      '= K^z_v (B / g^v)^-c_v; the c_v of a constraint add up to c mod q; and c = H("ballot", election id, ' +
      "credential, all ciphertexts, all a_v and b_v) (B5).",
  },
  {
    id: "15",
    title: "Copied ciphertexts",
    needs: ["04", "10"],
    rule:
      "an alpha stands once in a ballot, and under one credential only (B14). A voter may repeat a " +
      "ciphertext of their own earlier ballot.",
  },
  {
    id: "16",
    title: "Counted ballots",
    needs: ["04", "05"],
    rule:
      "`ballots` and `weight` of `tally.encrypted` are the number of credentials that cast a ballot, and " +
      "their weight. That it is these very ballots follows from check 17.",
  },
  {
    id: "17",
    title: "Encrypted tally",
    needs: ["04", "05", "16"],
    rule:
      "for each total t: (A_t, B_t) = prod over the last ballot of each credential of (alpha_t, " + "beta_t)^weight.",
  },
  {
    id: "18",
    title: "Decryption shares",
    needs: ["04", "05", "16", "17"],
    rule:
      "the trustee signed it; every factor M_t is in the group; with weights d_t from a challenge over all " +
      "A_t and M_t, the proof shows log_g V_j = log_(prod A_t^d_t) (prod M_t^d_t) (D6). At least k shares " +
      "are right, and all that the result names.",
  },
  {
    id: "19",
    title: "Decrypted totals",
    needs: ["04", "05", "17", "18"],
    rule:
      "g^total_t * prod over the k shares used of M_(j,t)^lambda_j = B_t, with the Lagrange coefficients " +
      "lambda_j at 0, and 0 <= total_t <= the most that the counted weight can give.",
  },
  {
    id: "20",
    title: "Outcome",
    needs: ["04", "05", "18", "19"],
    rule:
      "the outcome of each question, computed anew from its totals, equals the published one (D10), and " +
      "some set of valid ballots has these totals.",
  },
  {
    id: "21",
    title: "Extends what was seen",
    needs: ["01"],
    rule:
      "with --since FILE or --state FILE (the state of an earlier visit, a checkpoint, or a receipt), " +
      "which holds a checkpoint of size m: the board signed it, the record has at least m entries, and the " +
      "Merkle root of the first m headers is the checkpoint's.",
  },
];
