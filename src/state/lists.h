/*
 * Lists of others, as far as a person here has adopted them: tables list_word, list_item and list_file of state.db.
 *
 *   list_file   a list that came from a file: what is offered by no log
 *   list_word   what a person said about an offered version: adopted, declined; who, why; never changed
 *   list_item   what is adopted now, and by which word
 *
 * What is adopted about members takes effect by rules that name it: @list:NAME, NAME being the set that the person chose
 * (policy/policy.h). Nothing else comes into these sets, and nothing leaves them but by a person's word.
 */
#ifndef TONGZHOU_STATE_LISTS_H
#define TONGZHOU_STATE_LISTS_H

#include "policy/list.h"
#include "state/rules.h"

#define LIST_SOURCE_MAX (ORIGIN_MAX + 16)
#define LIST_FILE_SOURCE "file"      /* instead of an origin */
#define LISTS_SETS_MAX (1024u << 10) /* bytes of all adopted members, as sets: 10,000 origins */
#define LISTS_MAX 256                /* lists that are adopted from, and files */

struct list_address {
    char source[LIST_SOURCE_MAX + 1]; /* an origin, or LIST_FILE_SOURCE */
    char name[LIST_NAME_MAX + 1];
};

/* SOURCE#NAME into its parts; false if it is none. */
bool list_address_parse(struct span text, struct list_address *ret);

enum list_act { LIST_ADOPTED = 1, LIST_DECLINED = 2 };

struct list_word {
    int64_t number;
    struct list_address address;
    enum list_act act;
    enum list_advice advice;     /* as the offered list had it, or the version before one that was withdrawn */
    char set[LIST_NAME_MAX + 1]; /* where its members stand for rules */
    uint8_t version[32];         /* SHA-256 of the offered list's body; zeros: it was withdrawn */
    int64_t ref;                 /* of the record that was spoken about; 0: a file */
    uint64_t added, removed;
    char who[DECISION_WHO_MAX + 1], reason[DECISION_REASON_MAX + 1];
    int64_t time_ms;
};

/* ---- words ---- */

/* The last one about this list; ERR_NOTFOUND: none so far. */
int lists_word(struct store *store, const struct list_address *address, struct list_word *ret, struct err *err);

/* All, oldest first, of all lists (NULL) or one. */
int lists_words(struct store *store, const struct list_address *address,
                int (*each)(void *ctx, const struct list_word *word, struct err *err), void *ctx, struct err *err);

/* Those of which something is adopted; `each` gets the word that did it last, and how many items there are. */
int lists_adopted(struct store *store,
                  int (*each)(void *ctx, const struct list_word *word, uint64_t items, struct err *err), void *ctx,
                  struct err *err);

/* What is adopted of it, ascending; in the arena. */
int lists_items(struct store *store, const struct list_address *address, struct arena *arena, struct list_item **ret,
                size_t *ret_count, struct err *err);

/*
 * A person's word. Adopting replaces what is adopted of this list by `items`, and brings the sets into force: another version of
 * the policy. All in one commit, or nothing. Sets word->number.
 *   after  number of the last word about this list that the person knew of, 0: none
 *   items  for LIST_ADOPTED
 * ERR_STATE: somebody else has spoken about the list meanwhile; or the set holds members that were adopted for another
 * advice, who are not to be taken for what these are. ERR_SYNTAX, ERR_LIMIT: the policy in force cannot be with these sets.
 */
int lists_say(struct store *store, struct list_word *word, int64_t after, const struct list_item *items, size_t count,
              struct err *err);

/* ---- files ---- */

/* Replaces an earlier one of that name. */
int lists_put_file(struct store *store, const char *name, struct span body, int64_t time_ms, struct err *err);
/* `each` gets every one, or the one named. */
int lists_files(struct store *store, const char *name,
                int (*each)(void *ctx, const char *name, struct span body, int64_t time_ms, struct err *err), void *ctx,
                struct err *err);

/* ---- what lower and higher modules ask ---- */

/* The sets as they stand behind a policy file, from POLICY_LISTS_LINE on, appended; nothing if no member is adopted. */
int lists_sets(struct store *store, struct buf *out, struct err *err);

/* What was adopted about a member (its origin, or its name), a record ("ORIGIN/INDEX") or a value. */
int lists_about(struct store *store, enum list_item_type type, const char *subject,
                int (*each)(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err),
                void *ctx, struct err *err);

/* Every adopted item of a set. */
int lists_set_items(struct store *store, const char *set,
                    int (*each)(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err),
                    void *ctx, struct err *err);

#endif
