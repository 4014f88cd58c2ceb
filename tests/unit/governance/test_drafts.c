/* Others' lists as drafts: what waits, what was withdrawn, what nobody hides, and what is only for others. */
#include "index/made_log.h"

#include "base/codec.h"
#include "governance/drafts.h"

const struct capability *const capabilities[] = {&governance_capability, NULL};

struct desk {
    struct node node;
    struct index *index;
    struct view view;
    struct made_log log;
    struct arena arena;
    int64_t number;
};

static void feed(struct desk *d)
{
    d->number = made_feed(&d->log, d->node.store, d->log.count, true);
    good(index_update(d->index, d->node.store, 0, NULL, &err));
}

static void desk_open(struct desk *d)
{
    node_start(&d->node);
    made_begin(&d->log, "a.example");
    good(index_open(d->node.dir, &d->index, &err));
    arena_init(&d->arena, 256u << 20);
    feed(d);
    struct viewer viewer = {.class = VIEWER_OPERATOR};
    good(view_open(d->node.store, d->index, viewer, OUTLET_CLI_LOG, &d->view, &err));
}

static void desk_close(struct desk *d)
{
    arena_done(&d->arena);
    index_close(d->index);
    made_end(&d->log);
    node_stop(&d->node);
}

static uint64_t publishes(struct desk *d, const char *name, enum list_advice advice, enum tlp tlp,
                          const char *const *members, size_t count)
{
    struct list_item items[8];
    struct list list = {.advice = advice, .items = items, .count = count};
    struct buf text;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct list_item){.type = LIST_MEMBER, .subject = members[i], .label = "", .reason = ""};
    snprintf(list.name, sizeof(list.name), "%s", name);
    buf_init(&text, PAYLOAD_MAX);
    const struct record_draft how = {.time_ms = TIME_MS, .tlp = tlp};
    good(list_write(&list, &how, &text, &err));
    uint64_t index = made_sealed(&d->log, buf_view(&text), tlp == TLP_CLEAR);
    buf_done(&text);
    return index;
}

static struct list_address of(const struct desk *d, const char *name)
{
    struct list_address address;
    snprintf(address.source, sizeof(address.source), "%s", d->log.origin);
    snprintf(address.name, sizeof(address.name), "%s", name);
    return address;
}

static struct draft draft_of(struct desk *d, const char *name)
{
    struct draft draft;
    struct list_address address = of(d, name);
    good(drafts_read(&d->view, &address, &d->arena, &draft, &err));
    return draft;
}

static void adopt(struct desk *d, const char *name)
{
    struct draft draft = draft_of(d, name);
    struct list_word word = {.who = "ada", .reason = "why", .time_ms = TIME_MS};
    snprintf(word.set, sizeof(word.set), "%s", name);
    good(drafts_adopt(d->node.store, &draft, NULL, NULL, &word, &d->arena, &err));
}

/* What drafts_list says, as text: "name state items/adopted waits" a line. */
struct told {
    char text[16384], last[LIST_SOURCE_MAX + 1];
    size_t len, lines;
};

static int tell(void *ctx, const struct draft_line *line, struct err *err)
{
    static const char *const states[] = {"offered", "withdrawn", "absent"};
    struct told *told = ctx;
    (void)err;
    assert_true(strcmp(told->last, line->address.source) <= 0); /* of one source together: notices count on it */
    snprintf(told->last, sizeof(told->last), "%s", line->address.source);
    told->len += (size_t)snprintf(told->text + told->len, sizeof(told->text) - told->len, "%s %s %llu/%llu%s\n",
                                  line->address.name, states[line->state], (unsigned long long)line->items,
                                  (unsigned long long)line->adopted, draft_waits(line) ? " waits" : "");
    told->lines++;
    return 0;
}

static uint64_t list(struct desk *d, struct told *told)
{
    uint64_t hidden = 0;
    *told = (struct told){0};
    good(drafts_list(&d->view, tell, told, &hidden, &err));
    return hidden;
}

static void expect(struct desk *d, const char *wanted)
{
    static struct told told;
    assert_int_equal(list(d, &told), 0);
    if (strcmp(told.text, wanted) != 0)
        fail_msg("found\n%s, wanted\n%s", told.text, wanted);
}

static const char *const both[] = {"x.example", "y.example"};

static void versions(void **state)
{
    (void)state;
    static struct desk d;
    desk_open(&d);
    publishes(&d, "spam", LIST_BLOCK, TLP_CLEAR, both, 2);
    feed(&d);
    expect(&d, "spam offered 2/0 waits\n");
    adopt(&d, "spam");
    expect(&d, "spam offered 2/2\n");
    publishes(&d, "spam", LIST_BLOCK, TLP_CLEAR, both, 1);
    feed(&d);
    expect(&d, "spam offered 1/2 waits\n");
    struct draft draft = draft_of(&d, "spam");
    assert_int_equal(draft.change_count, 1);
    assert_true(draft.changes[0].removes);
    assert_string_equal(draft.changes[0].item.subject, "y.example");
    struct list_word word = {.who = "ada", .reason = "no", .time_ms = TIME_MS};
    good(drafts_decline(d.node.store, &draft, &word, &err));
    expect(&d, "spam offered 1/2\n");
    desk_close(&d);
}

/* Erased by its source: a retraction of all that waits. Not kept here any more: that says nothing of what the source thinks. */
static void gone(void **state)
{
    (void)state;
    static struct desk d;
    size_t erased = 0;
    desk_open(&d);
    publishes(&d, "old", LIST_RECOMMEND, TLP_CLEAR, both, 1);
    uint64_t spam = publishes(&d, "spam", LIST_BLOCK, TLP_CLEAR, both, 2);
    feed(&d);
    adopt(&d, "spam");
    adopt(&d, "old");
    made_erase(&d.log, spam);
    feed(&d);
    good(mirror_erase_queued(d.node.store, &erased, &err));
    good(index_update(d.index, d.node.store, 0, NULL, &err));
    assert_int_equal(erased, 1);
    expect(&d, "old offered 1/1\nspam withdrawn 0/2 waits\n");
    struct draft draft = draft_of(&d, "spam");
    assert_int_equal(draft.removal_count, 2);
    assert_int_equal(draft.list.advice, LIST_BLOCK);
    adopt(&d, "spam");
    expect(&d, "old offered 1/1\n");
    good(payload_drop_before(d.node.store, d.number, spam, &err));
    good(index_update(d.index, d.node.store, 0, NULL, &err));
    expect(&d, "old absent 0/1\n");
    draft = draft_of(&d, "old"); /* a person may let go of it all the same */
    assert_int_equal(draft.state, DRAFT_ABSENT);
    assert_int_equal(draft.removal_count, 1);
    assert_int_equal(draft.list.advice, LIST_RECOMMEND);
    desk_close(&d);
}

/* Whoever publishes many lists hides no other's, and makes none that was adopted look as if it were withdrawn. */
static void many(void **state)
{
    (void)state;
    static struct desk d;
    static struct told told;
    char name[32];
    desk_open(&d);
    publishes(&d, "zz", LIST_BLOCK, TLP_CLEAR, both, 1);
    feed(&d);
    adopt(&d, "zz");
    for (int i = 0; i < 2 * DRAFTS_OF_ONE; i++) {
        snprintf(name, sizeof(name), "l%02d", i);
        publishes(&d, name, LIST_BLOCK, TLP_CLEAR, both, 1);
    }
    feed(&d);
    assert_int_equal(list(&d, &told), 1);
    assert_int_equal(told.lines, DRAFTS_OF_ONE + 1);
    assert_non_null(strstr(told.text, "\nzz offered 1/1\n"));
    assert_null(strstr(told.text, "withdrawn"));
    struct list_address found;
    good(drafts_find(&d.view, SPAN_LIT("l05"), &found, &err));
    assert_string_equal(found.name, "l05");
    bad(drafts_find(&d.view, SPAN_LIT("nothing"), &found, &err), ERR_NOTFOUND, "no such list");
    desk_close(&d);
}

/* A list for named persons: others neither see it, nor that it was withdrawn. */
static void for_others(void **state)
{
    (void)state;
    static struct desk d;
    static struct told told;
    struct view theirs;
    uint64_t hidden;
    desk_open(&d);
    publishes(&d, "spam", LIST_BLOCK, TLP_RED, both, 2);
    feed(&d);
    expect(&d, "spam offered 2/0 waits\n");
    adopt(&d, "spam");
    struct viewer viewer = {.class = VIEWER_USER, .name = "li", .role = ROLE_PUBLISHER, .scopes = SCOPES_ALL};
    good(view_open(d.node.store, d.index, viewer, OUTLET_HTTP_DECIDE, &theirs, &err));
    told = (struct told){0};
    good(drafts_list(&theirs, tell, &told, &hidden, &err));
    assert_string_equal(told.text, "");
    struct draft draft;
    struct list_address address = of(&d, "spam");
    bad(drafts_read(&theirs, &address, &d.arena, &draft, &err), ERR_NOTFOUND, "no such list");
    desk_close(&d);
}

/* What the person saw is what is decided about. */
static void seen(void **state)
{
    (void)state;
    static struct desk d;
    desk_open(&d);
    publishes(&d, "spam", LIST_BLOCK, TLP_CLEAR, both, 1);
    feed(&d);
    struct draft draft = draft_of(&d, "spam");
    char version[65];
    hex_encode(draft.version, 32, version);
    good(drafts_check_seen(&draft, span_str(version), &err));
    good(drafts_check_seen(&draft, span_of(version, DRAFT_SEEN_MIN), &err));
    bad(drafts_check_seen(&draft, SPAN_LIT("0123"), &err), ERR_USAGE, "12 to 64");
    publishes(&d, "spam", LIST_BLOCK, TLP_CLEAR, both, 2);
    feed(&d);
    draft = draft_of(&d, "spam");
    bad(drafts_check_seen(&draft, span_str(version), &err), ERR_STATE, "another version");
    /* Somebody else spoke after the draft was read. */
    adopt(&d, "spam");
    struct list_word word = {.who = "ada", .reason = "no", .time_ms = TIME_MS};
    bad(drafts_decline(d.node.store, &draft, &word, &err), ERR_STATE, "meanwhile");
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),   cmocka_unit_test(gone), cmocka_unit_test(many),
        cmocka_unit_test(for_others), cmocka_unit_test(seen),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
