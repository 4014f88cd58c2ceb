/* Every maximum of the project, with its unit and its reason. PROTOCOL.md repeats those that peers see. */
#ifndef TONGZHOU_BASE_LIMITS_H
#define TONGZHOU_BASE_LIMITS_H

/* ---- log ---- */
#define ENTRY_MAX 65535                                   /* bytes; tlog-tiles bundles carry a u16 length */
#define TILE_WIDTH 256                                    /* hashes a tile, entries a bundle; tlog-tiles */
#define BUNDLE_MAX ((size_t)TILE_WIDTH * (2 + ENTRY_MAX)) /* bytes of one entry bundle: 16,777,472 */
#define LOG_SIZE_MAX (UINT64_C(1) << 40)                  /* entries; 48 bits of payload offset would end sooner */
#define ORIGIN_NAME_MAX 128               /* bytes of the name part: a DNS name is at most 253, ours are short */
#define ORIGIN_MAX (ORIGIN_NAME_MAX + 53) /* bytes: NAME "/" 52 characters */
#define NOTE_MAX 65536                    /* bytes of a signed note with its signatures */
#define NOTE_SIGS_MAX 64                  /* signature lines we are ready to read; the standard asks for 16 */
#define CHECKPOINT_COSIGS_MAX 14          /* cosignatures we serve: readers need only accept 16 signatures */

/* ---- record ---- */
#define RECORD_HEADER_MAX 8192         /* bytes of first line and header lines */
#define RECORD_LINE_MAX 1024           /* bytes of one header line without its newline */
#define RECORD_LINES_MAX 512           /* header lines: 8192 / 16 */
#define PAYLOAD_MAX (16u << 20)        /* bytes of a payload (a record's text) */
#define INLINE_MAX ENTRY_MAX           /* bytes of a constitutional record */
#define PAYLOAD_BUNDLE_MAX (32u << 20) /* bytes after which an answer with payloads stops */
#define PAYLOAD_TAIL_MAX 65536         /* bytes of a payload that the tail keeps inside state.db */
/*
 * Key changes a log: what a reader keeps of a member stays small, and one a month lasts 21 years. A fork proof holds
 * fewer: with inclusion proofs of both branches 12 (a log of 2^40 entries) to 22 (of 2^20) fill INLINE_MAX. Behind
 * those a fork is still seen and refused, but no record proves it to others.
 */
#define ROTATIONS_MAX 256

/* ---- JSON ---- */
#define JSON_DEPTH_MAX 64         /* STIX's deepest extensions reach about 12 */
#define JSON_NODES_MAX (4u << 20) /* values in one document of the hot path */
#define JSON_TEXT_MAX (64u << 20) /* bytes of one document of the hot path: a payload is at most 16 MiB */
#define JSON_SMALL_MAX (4u << 20) /* bytes of a document read by jansson */

/* ---- peers ---- */
#define HEADS_PAGE_MAX 10000                          /* lines of one /heads answer; the cursor goes on behind them */
#define HEADS_LINE_MAX (64 + 1 + ORIGIN_MAX + 1 + 20) /* bytes */
#define PEER_QUOTA_LOGS 1000                          /* logs that one peer may make us mirror unasked */
#define PEER_QUOTA_BYTES (INT64_C(20) << 30)          /* bytes of them */
#define PEER_LOW_SPEED_BPS 200 /* bytes a second; below it a transfer stalls: 256 kbit/s shared by 100 */
#define PEER_LOW_SPEED_S 30    /* seconds of that before it is given up */
#define PEER_CONNECT_TIMEOUT_MS 10000
/*
 * Answers that are under way or wait for their commit, so that a machine with 256 MB pulls from anybody. An answer has
 * room kept for it, by the size of those before; one that is larger is asked for again, with all the room it may take.
 */
#define PEER_ANSWER_ROOM (2u << 20)  /* bytes kept for an answer at least: 256 records of 8 kB */
#define PEER_MEMORY_MAX (48u << 20)  /* bytes of one peer: the largest answer and half of one that waits */
#define PEERS_MEMORY_MAX (96u << 20) /* bytes of all peers; one more answer if all wait for it */

/* ---- index and sweep ---- */
#define SEARCH_RESULTS_MAX 200    /* rows a page of results */
#define SWEEP_LINE_MAX (1u << 20) /* bytes of a log line; a longer one is swept in parts */
#define SWEEP_TOKEN_MAX 2048      /* bytes of one token: the longest URL that we match */

/* ---- import ---- */
#define IMPORT_LINE_MAX 65536                               /* bytes of one line of a list */
#define IMPORT_OBJECT_MAX (PAYLOAD_MAX - RECORD_HEADER_MAX) /* bytes of one STIX object */
#define IMPORT_BATCH_RECORDS 16384                          /* records in one commit: 64 bundles */
#define IMPORT_BATCH_BYTES (64u << 20)                      /* bytes in one commit */

/* ---- HTTP ---- */
#define HTTP_URL_MAX 8192         /* bytes of path and query */
#define HTTP_BODY_MAX (64u << 20) /* bytes of an upload: a file to sweep */
#define HTTP_WAIT_MAX_S 60        /* seconds that Prefer: wait may hold a request */

/* ---- people who sign in ---- */
#define USER_NAME_MAX 64  /* bytes */
#define USERS_MAX 10000   /* of one node: an organisation's, and its guests' */
#define PASSWORD_MIN 10   /* bytes; NIST SP 800-63B asks for 8 */
#define PASSWORD_MAX 1024 /* bytes that are hashed; longer ones are refused, not cut */
/*
 * Argon2id (RFC 9106): 120 ms on one 2.6 GHz core, once a sign-in. OWASP's least is 19 MiB with two passes. One runs at a
 * time (http/signing.h), so a machine with 256 MB bears it.
 */
#define ARGON2_MEMORY (32u << 20) /* bytes */
#define ARGON2_PASSES 3
#define SESSION_IDLE_MS (INT64_C(2) * 3600 * 1000)  /* a session that nobody used ends: a screen left alone */
#define SESSION_LIFE_MS (INT64_C(12) * 3600 * 1000) /* and each after a working day; NIST SP 800-63B, AAL2 */
#define SESSION_TOUCH_MS 60000  /* `seen` is written that seldom: a commit costs a sync of the disk */
#define SESSIONS_MAX 16         /* of one user; a further one ends the oldest */
#define TOKENS_MAX 32           /* of one user */
#define TOKEN_LIFE_MAX_DAYS 366 /* none lives for ever: it would be forgotten where it was written */
#define TOKEN_NAME_MAX 64       /* bytes */
#define AUDIT_MAX 100000        /* entries kept: some 10 MB */
#define AUDIT_FAILED_MAX 20000  /* sign-ins that failed: apart, so strangers push nothing else out */
#define AUDIT_TRIM 64           /* entries between two times that the oldest go: then a few more are there */

#endif
