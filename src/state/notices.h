/*
 * Notices to the people of this node: that something waits for them, or happened. Rows of state.db, read in the inbox and sent
 * out by /events, hooks, mail and syslog (node/telling). A notice never holds what a record says: it names what happened,
 * about whom, and the record.
 *
 * What there is to tell is a closed list (notice_words.c): each has a word for programs, a sentence for people, a topic and
 * the least role that sees it. To add one, add a line to `enum notice_what` and to the table there, `make po`, translate.
 *
 * Bursts are one line with a count: whatever is told again of the same origin within a day. A line becomes news again
 * (a new number, unread, sent anew) when its count has doubled or an hour has passed; so a flood of a million is some twenty
 * lines of mail, and NOTICES_TOPIC_MAX lines a topic are the most. Those that somebody has read go first.
 */
#ifndef TONGZHOU_STATE_NOTICES_H
#define TONGZHOU_STATE_NOTICES_H

#include "state/role.h"
#include "state/store.h"

#define NOTICES_TOPIC_MAX 1000                      /* rows: one flooded topic takes nothing from the others */
#define NOTICE_VALUE_MAX 256                        /* bytes of a value; longer ones are cut */
#define NOTICE_MERGE_MS (INT64_C(24) * 3600 * 1000) /* from the first: a line is about one day at most */
#define NOTICE_NEWS_MS (INT64_C(3600) * 1000)       /* something more of the same is news again after that */

enum notice_topic {
    NOTICE_HELD,
    NOTICE_REFUSED,
    NOTICE_DRAFT,
    NOTICE_REQUEST,
    NOTICE_DECISION,
    NOTICE_COMMUNITY,
    NOTICE_PEER,
    NOTICE_FORK,
    NOTICE_LOG,
    NOTICE_ERASURE,
    NOTICE_RECEIPT,
    NOTICE_OVERDUE,
    NOTICE_SECURITY,
    NOTICE_TOPICS
};

enum notice_what {
    NOTICE_CONTENT_HELD,
    NOTICE_CONTENT_REFUSED,
    NOTICE_ROSTER_WAITS,
    NOTICE_LISTS_WAIT,
    NOTICE_PEER_FAILS,
    NOTICE_PEER_BACK,
    NOTICE_PEER_ASIDE,
    NOTICE_FORK_FOUND,
    NOTICE_LOG_SUSPENDED,
    NOTICE_LOG_CONTINUED,
    NOTICE_CONTENT_ERASED,
    NOTICE_SIGN_IN_FAILS,
    NOTICE_CERTIFICATE_ENDS,
    NOTICE_DISK_FULL,
    NOTICE_CONTENT_OBJECTED,
    NOTICE_MEMBERS_OBJECT,
    NOTICE_VULNERABILITY_OVERDUE,
    NOTICE_RECEIPT_CAME,
    NOTICE_RECEIPT_WRONG,
    NOTICE_RECEIPT_OUTSIDE,
    NOTICE_TELLER_FAILS,
    NOTICE_DECIDED_BY_CESSION,
    NOTICE_WHATS
};

struct notice_words {
    enum notice_topic topic;
    enum role role;      /* the least that sees it */
    bool by_value;       /* notices with another values[0] are no repetition */
    const char *word;    /* for programs, never changed: "content-held" */
    const char *english; /* for people; {1} the origin, {2} and {3} the values */
};
const struct notice_words *notice_words(enum notice_what what);

const char *notice_topic_word(enum notice_topic topic);
bool notice_topic_parse(struct span word, enum notice_topic *ret);

/* "held,peer", each once, to a set of bits 1 << topic; 0 for anything else. */
unsigned notice_topics_parse(struct span text);
#define NOTICE_TOPICS_ALL ((1u << NOTICE_TOPICS) - 1)
#define NOTICE_TOPICS_TEXT_MAX 160 /* bytes of all words, commas and the end */
void notice_topics_format(unsigned topics, char out[NOTICE_TOPICS_TEXT_MAX]);

#define NOTICE_VALUES 2

struct notice {
    enum notice_what what;
    int64_t time_ms;                   /* of the last one */
    int64_t ref;                       /* of the last record that it is about; 0: none */
    const char *origin;                /* whom it is about; NULL: nobody */
    const char *values[NOTICE_VALUES]; /* others' words, escaped and cut when they are stored; NULL: "" */
    uint64_t count;                    /* how many at once; 0 stands for 1 */

    /* Set when it is read; the texts are valid for the call. */
    int64_t number, first_ms;
    bool is_read;
};

/* A transaction of its own, or part of one that is open. */
int notice_add(struct store *store, const struct notice *notice, struct err *err);

/* Who reads: a user's number, or the operator at the command line. */
#define NOTICE_OPERATOR 0

struct notice_query {
    int64_t reader;
    enum role role;  /* of the reader; ROLE_ADMINISTRATOR: all. ROLE_NONE sees nothing */
    unsigned topics; /* bits; 0: all */
    int64_t after;   /* with a higher number */
    bool oldest_first;
    int64_t before; /* with a lower number; 0: all */
    int64_t since_ms;
    bool unread; /* only those that the reader has not read */
    size_t max;  /* 0: all */
};

int notice_each(struct store *store, const struct notice_query *query,
                int (*each)(void *ctx, const struct notice *notice, struct err *err), void *ctx, struct err *err);

/* How many of them there are; `max` and the order do not matter. */
int notice_count(struct store *store, const struct notice_query *query, uint64_t *ret, struct err *err);

/* How many the reader has not read. */
int notice_unread(struct store *store, int64_t reader, enum role role, uint64_t *ret, struct err *err);

/* What is known of a line that stands there already. */
struct notice_brief {
    enum notice_what what;
    int64_t time_ms;
    char more[NOTICE_VALUE_MAX + 1]; /* values[1] */
};

/* The newest line of a topic with this values[0]; ERR_NOTFOUND. For whoever looks again and again: was it told? */
int notice_latest(struct store *store, enum notice_topic topic, const char *value, struct notice_brief *ret,
                  struct err *err);

/* The number of the newest, 0 without; cheap. */
int notice_last(struct store *store, int64_t *ret, struct err *err);

/* How many lines had to go before anybody had read them, ever. */
int notice_dropped(struct store *store, uint64_t *ret, struct err *err);

/* A reader has read one, or all up to a number, of those that its role sees. 0 also if there is none. */
int notice_read(struct store *store, int64_t reader, enum role role, int64_t number, struct err *err);
int notice_read_all(struct store *store, int64_t reader, enum role role, int64_t number, struct err *err);

/*
 * For programs, appended: {"id":7,"topic":"held","what":"content-held","time":"...","first":"...","count":3,
 * "origin":"...","record":"ORIGIN/INDEX"}; what is not there is left out. `full`: also "text", the sentence in English with
 * its values, which may be others' words. `id`: said instead of the number, as a string; NULL: the number.
 */
int notice_json(struct store *store, const struct notice *notice, bool full, const char *id, struct buf *out,
                struct err *err);

/* "ORIGIN/INDEX" of what it is about, appended; nothing if there is no record or its log is gone. */
int notice_record(struct store *store, const struct notice *notice, struct buf *out, struct err *err);

/* For people: "held contents", to be translated. */
const char *notice_topic_label(enum notice_topic topic);

/* A text whose {1} to {9} are filled from `slots`, of which there are `count`; appended. */
void notice_fill(const char *text, const char *const *slots, size_t count, struct buf *out);

/*
 * The sentence, which is the English one or its translation, with origin and values, appended. Nothing in it can break a line.
 * `full` false: without the values, which may be others' words.
 */
void notice_sentence(const struct notice *notice, const char *sentence, bool full, struct buf *out);

/* In English, with its values and how often: for syslog and the command line. */
void notice_english(const struct notice *notice, struct buf *out);

#endif
