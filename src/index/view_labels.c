/* What adopted lists say of a record, for one viewer. */
#include "index/view.h"

#include <inttypes.h>
#include <stdio.h>

struct labels {
    const struct view *view;
    int (*each)(void *ctx, const struct view_label *label, struct err *err);
    void *ctx;
};

/*
 * May the viewer know of what this word adopted? The list itself says for whom it is. Without it, since it came from a file or
 * its source has withdrawn it, what stays adopted is for the operator's own people.
 */
static int may_know(const struct view *view, const struct list_word *word, bool *ret, struct err *err)
{
    struct err none = {0};
    unsigned flags = 0;
    *ret = word->ref > 0 && view_sees_ref(view, word->ref);
    if (*ret || !view_is_of_operator(view))
        return 0;
    int rc = word->ref > 0
                 ? payload_flags(view->store, RECORD_REF_LOG(word->ref), RECORD_REF_INDEX(word->ref), &flags, &none)
                 : 0;
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", none.text);
    *ret = !(flags & SLOT_HELD); /* one that is here, and that he does not see, is for others */
    return 0;
}

static int take(void *ctx, const struct list_word *word, const struct list_item *item, struct err *err)
{
    const struct labels *labels = ctx;
    struct view_label label = {.word = word, .item = item, .is_inside = view_is_of_operator(labels->view)};
    bool may = false;
    int rc = may_know(labels->view, word, &may, err);
    return rc < 0 || !may ? rc : labels->each(labels->ctx, &label, err);
}

int view_labels(const struct view *view, const char *origin, uint64_t index,
                int (*each)(void *ctx, const struct view_label *label, struct err *err), void *ctx, struct err *err)
{
    struct labels labels = {view, each, ctx};
    char record[ORIGIN_MAX + 24];
    snprintf(record, sizeof(record), "%s/%" PRIu64, origin, index);
    return lists_about(view->store, LIST_RECORD, record, take, &labels, err);
}
