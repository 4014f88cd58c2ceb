/* What adopted lists say of a record and its author. */
#include <inttypes.h>

#include "base/when.h"
#include "cli/lists.h"

static void put_word(const struct list_word *word, const char *reason)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(word->time_ms, time);
    put_list_address(stdout, &word->address);
    fputs(", adopted by ", stdout);
    cli_put_text(stdout, span_str(word->who), DECISION_WHO_MAX);
    printf(", %.19s", time);
    if (reason[0]) {
        fputs(": ", stdout);
        cli_put_text(stdout, span_str(reason), DECISION_REASON_MAX);
    }
    putchar('\n');
}

static int put_member(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err)
{
    (void)ctx, (void)item, (void)err;
    printf("list     its author is in @list:%s: ", word->set);
    put_word(word, word->reason);
    return 0;
}

static int put_label(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err)
{
    (void)ctx, (void)err;
    printf("label    %s, ", item->label);
    put_word(word, item->reason);
    return 0;
}

int put_lists_about(struct session *session, const char *origin, uint64_t index, struct err *err)
{
    char record[ORIGIN_MAX + 24], name[ORIGIN_MAX + 1];
    snprintf(record, sizeof(record), "%s/%" PRIu64, origin, index);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(origin, "/"), origin);
    int rc = lists_about(session->store, LIST_MEMBER, origin, put_member, NULL, err);
    if (rc == 0)
        rc = lists_about(session->store, LIST_MEMBER, name, put_member, NULL, err);
    return rc == 0 ? lists_about(session->store, LIST_RECORD, record, put_label, NULL, err) : rc;
}
