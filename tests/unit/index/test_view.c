/* Who sees what: the public and the operator, each outlet. */
#include "index/view.h"

#include "index/made_log.h"
#include "index/words.h"
#include "record/audience.h"
#include "state/users.h"
#include "tlog/checkpoint.h"

static const struct viewer the_public = {.class = VIEWER_PUBLIC}, the_operator = {.class = VIEWER_OPERATOR};
static const struct viewer a_reader = {.class = VIEWER_USER, .name = "li", .role = ROLE_READER, .scopes = SCOPES_ALL};
static const struct viewer an_analyst = {
    .class = VIEWER_USER, .name = "wang", .role = ROLE_ANALYST, .scopes = SCOPES_ALL};

static struct view view_of(struct store *store, struct index *index, struct viewer viewer)
{
    struct view view;
    good(view_open(store, index, viewer, viewer.class == VIEWER_OPERATOR ? OUTLET_CLI_LOG : OUTLET_HTTP_PAGES, &view,
                   &err));
    return view;
}

/* Every outlet by every viewer: P public, O operator, M member, R reader, A analyst, W publisher, X administrator. */
static const char *const opened_for[OUTLETS] = {
    [OUTLET_HTTP_EVENTS] = "PMRAWX", [OUTLET_PREVIEW] = "POWXt",
    [OUTLET_HTTP_LOGS] = "PM",       [OUTLET_HTTP_HEADS] = "PM",
    [OUTLET_HTTP_STATUS] = "PX",     [OUTLET_HTTP_PAGES] = "PRAWX",
    [OUTLET_HTTP_SEARCH] = "PAWX",   [OUTLET_HTTP_SWEEP] = "PAWX",
    [OUTLET_HTTP_DECIDE] = "PWXt",   [OUTLET_CLI_LOG] = "PO",
    [OUTLET_CLI_SWEEP] = "PO",       [OUTLET_EXPORT] = "PO",
    [OUTLET_EXPORT_STATIC] = "P",    [OUTLET_PACK] = "P",
    [OUTLET_LUGGAGE] = "PO",         [OUTLET_TELL] = "PO",
};

static const struct {
    char letter;
    struct viewer viewer;
} everybody_there_is[] = {
    {'P', {.class = VIEWER_PUBLIC}},
    {'O', {.class = VIEWER_OPERATOR}},
    {'M', {.class = VIEWER_MEMBER, .origin = "far.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
    {'R', {.class = VIEWER_USER, .name = "r", .role = ROLE_READER, .scopes = SCOPES_ALL}},
    {'A', {.class = VIEWER_USER, .name = "a", .role = ROLE_ANALYST, .scopes = SCOPES_ALL}},
    {'W', {.class = VIEWER_USER, .name = "w", .role = ROLE_PUBLISHER, .scopes = SCOPES_ALL}},
    {'X', {.class = VIEWER_USER, .name = "x", .role = ROLE_ADMINISTRATOR, .scopes = SCOPES_ALL}},
    /* Whose token does not say so, or who has no role, sees nothing as a user (t: for publishing). */
    {'-', {.class = VIEWER_USER, .name = "n", .role = ROLE_NONE, .scopes = SCOPES_ALL}},
    {'t', {.class = VIEWER_USER, .name = "t", .role = ROLE_ADMINISTRATOR, .scopes = SCOPE_PUBLISH | SCOPE_ADMIN}},
    {'-', {.class = VIEWER_USER, .name = "u", .role = ROLE_ADMINISTRATOR, .scopes = 0}},
};

static void outlets_stand_in_the_table(void **state)
{
    (void)state;
    struct node node;
    struct view view;
    node_start(&node);
    for (int i = 0; i < OUTLETS; i++) {
        assert_non_null(outlet_table[i].name);
        assert_non_null(outlet_table[i].what);
        if (!opened_for[i])
            fail_msg("%s: is not in this test's matrix", outlet_table[i].name);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(outlet_table[i].name, outlet_table[k].name);
        for (size_t v = 0; v < sizeof(everybody_there_is) / sizeof(*everybody_there_is); v++) {
            const struct viewer *viewer = &everybody_there_is[v].viewer;
            bool wanted = strchr(opened_for[i], everybody_there_is[v].letter) != NULL;
            if (outlet_admits((enum outlet)i, viewer) != wanted)
                fail_msg("%s, viewer %zu (%c)", outlet_table[i].name, v, everybody_there_is[v].letter);
            if (wanted)
                good(view_open(node.store, NULL, *viewer, (enum outlet)i, &view, &err));
            else
                bad(view_open(node.store, NULL, *viewer, (enum outlet)i, &view, &err), ERR_REFUSED,
                    outlet_table[i].name);
        }
    }
    node_stop(&node);
}

/* ---- a node with a log of each role ---- */

struct roles {
    struct node node;
    struct made_log made;
    struct log_info own, local, mirror, listed;
    struct index *index;
};

#define KINDS_OF_PAYLOAD 5 /* in `mirror`: clear, green, none of both, clear in the slot only, erased */

static void roles_begin(struct roles *r)
{
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_LOCAL};
    struct log_new listed = {.origin = SPAN_LIT("far.example/"
                                                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                             .role = LOG_LISTED,
                             .mode = MODE_HEADS};
    int64_t number;
    node_start(&r->node);
    struct store *store = r->node.store;
    node_member(&r->node, "own.example", true, &r->own);
    snprintf(make.profile.name, sizeof(make.profile.name), "local.example");
    make.profile.class = CLASS_CIVIL;
    good(author_create(store, &make, &r->local, &err));
    good(store_begin(store, &err));
    good(store_log_create(store, &listed, &number, &err));
    good(store_commit(store, &err));
    good(store_log(store, number, &r->listed, &err));
    append_many(store, r->own.number, "own", 2, 30, true);
    append_many(store, r->local.number, "local", 2, 30, true);

    made_begin(&r->made, "mirror.example");
    made_record(&r->made, "test/text", TLP_CLEAR, TIME_MS + 1, NULL, "for all");
    made_record(&r->made, "test/text", TLP_GREEN, TIME_MS + 2, NULL, "for some");
    made_sealed(&r->made, SPAN_LIT("tongzhou/1 test/text\n\nwithout a marking"), false);
    made_sealed(&r->made, SPAN_LIT("tongzhou/1 test/text\ntlp red\n\nslot and record differ"), true);
    made_record(&r->made, "test/text", TLP_CLEAR, TIME_MS + 3, NULL, "taken back");
    number = made_feed(&r->made, store, r->made.count, true);
    good(payload_erase(store, number, 5, &err));
    good(store_log(store, number, &r->mirror, &err));
    r->index = index_of(&r->node);
    update(r->index, store);
    good(store_log(store, r->own.number, &r->own, &err));
    good(store_log(store, r->local.number, &r->local, &err));
}

static void roles_end(struct roles *r)
{
    index_close(r->index);
    made_end(&r->made);
    node_stop(&r->node);
}

static int count_log(void *ctx, const struct log_info *log, struct err *err)
{
    (void)log;
    (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

static void public_sees_served_logs(void **state)
{
    (void)state;
    struct roles r;
    struct log_info found;
    roles_begin(&r);
    struct view everybody = view_of(r.node.store, r.index, the_public),
                ours = view_of(r.node.store, r.index, the_operator), users = view_of(r.node.store, r.index, a_reader);
    const struct log_info *logs[] = {&r.own, &r.mirror, &r.local, &r.listed};
    for (size_t i = 0; i < 4; i++) {
        bool seen = i < 2;
        assert_int_equal(view_sees_log(&everybody, logs[i]), seen);
        assert_true(view_sees_log(&ours, logs[i]) && view_sees_log(&users, logs[i]));
        good(view_log_by_hash(&ours, logs[i]->hash, &found, &err));
        good(view_log_by_number(&ours, logs[i]->number, &found, &err));
        if (seen) {
            good(view_log_by_hash(&everybody, logs[i]->hash, &found, &err));
            good(view_log_find(&everybody, span_str(logs[i]->origin), &found, &err));
            good(view_log_by_number(&everybody, logs[i]->number, &found, &err));
        } else {
            bad(view_log_by_hash(&everybody, logs[i]->hash, &found, &err), ERR_NOTFOUND, "no such log");
            bad(view_log_find(&everybody, span_str(logs[i]->origin), &found, &err), ERR_NOTFOUND, "no such log");
            bad(view_log_by_number(&everybody, logs[i]->number, &found, &err), ERR_NOTFOUND, "no such log");
        }
    }
    unsigned count = 0;
    good(view_logs(&everybody, count_log, &count, &err));
    assert_int_equal(count, 2);
    count = 0;
    good(view_logs(&ours, count_log, &count, &err));
    assert_int_equal(count, 4);
    roles_end(&r);
}

/* A cursor that passes logs which the viewer may not see, page by page. */
static void heads_pass_what_is_hidden(void **state)
{
    (void)state;
    struct roles r;
    roles_begin(&r);
    struct view everybody = view_of(r.node.store, r.index, the_public);
    for (size_t max = 1; max <= 3; max++) {
        int64_t since = 0, next = 0;
        unsigned total = 0, calls = 0;
        for (;;) {
            unsigned count = 0;
            good(view_heads(&everybody, since, max, count_log, &count, &next, &err));
            assert_true(count <= max);
            total += count;
            if (count == 0 || ++calls > 10)
                break;
            assert_true(next > since);
            since = next;
        }
        assert_int_equal(total, 2);
    }
    roles_end(&r);
}

static void records_by_marking(void **state)
{
    (void)state;
    struct roles r;
    roles_begin(&r);
    struct view everybody = view_of(r.node.store, r.index, the_public),
                ours = view_of(r.node.store, r.index, the_operator);
    struct view without = view_of(r.node.store, NULL, the_public), users = view_of(r.node.store, r.index, an_analyst),
                users_without = view_of(r.node.store, NULL, an_analyst);
    /* Neither what bears no marking, nor what is for named persons whatever its slot says. */
    static const bool inside[1 + KINDS_OF_PAYLOAD] = {true, true, true, false, false, false};
    static const bool shown[1 + KINDS_OF_PAYLOAD] = {true, true, false, false, false, false};
    for (uint64_t i = 0; i < 1 + KINDS_OF_PAYLOAD; i++) {
        struct arena arena;
        struct view_record record;
        int64_t ref = RECORD_REF(r.mirror.number, i);
        arena_init(&arena, 1u << 20);
        good(view_record(&everybody, &r.mirror, i, &arena, &record, &err));
        assert_int_equal(record.has_text, shown[i]);
        assert_int_equal(record.parsed, shown[i]);
        assert_int_equal(record.folded, shown[i] && i > 0);
        assert_false(record.erased);
        assert_true(shown[i] || (!record.text.data && !record.salt.data && record.record.kind.len == 0));
        assert_int_equal(record.entry_class, i == 0 ? ENTRY_INLINE : ENTRY_SEAL);
        assert_int_equal(view_sees_ref(&everybody, ref), shown[i]);
        assert_int_equal(view_sees_ref(&without, ref), shown[i]);
        good(view_record(&users, &r.mirror, i, &arena, &record, &err));
        assert_int_equal(record.has_text, inside[i]);
        assert_true(inside[i] || (!record.text.data && !record.salt.data && record.record.kind.len == 0));
        assert_int_equal(view_sees_ref(&users, ref), inside[i]);
        assert_int_equal(view_sees_ref(&users_without, ref), inside[i]);
        good(view_record_ref(&ours, ref, &arena, &record, &err));
        assert_int_equal(record.has_text, i != 5);
        assert_int_equal(record.erased, i == 5);
        assert_int_equal(view_sees_ref(&ours, ref), i != 5);
        arena_done(&arena);
    }
    struct arena arena;
    struct view_record record;
    arena_init(&arena, 1u << 20);
    bad(view_record(&ours, &r.mirror, 6, &arena, &record, &err), ERR_NOTFOUND, "entry 6");
    bad(view_record(&everybody, &r.local, 1, &arena, &record, &err), ERR_NOTFOUND, "entry 1");
    assert_false(view_sees_ref(&everybody, RECORD_REF(r.local.number, 1)));
    assert_true(view_sees_ref(&ours, RECORD_REF(r.local.number, 1)));
    assert_true(view_sees_ref(&users, RECORD_REF(r.local.number, 0)));
    assert_true(view_sees_ref(&users, RECORD_REF(r.local.number, 1)));
    assert_false(view_sees_ref(&ours, RECORD_REF(77, 1)));
    assert_false(view_sees_ref(&ours, 0));
    arena_done(&arena);
    roles_end(&r);
}

/* ---- what is for named persons ---- */

static void said_to(struct made_log *log, enum tlp tlp, const char *a, const char *b, const char *body)
{
    struct buf text;
    struct span to[] = {span_str(a), span_str(b)};
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {
        .kind = "test/text", .time_ms = TIME_MS, .tlp = tlp, .to = to, .to_count = 2, .body = span_str(body)};
    good(record_write(&draft, &text, &err));
    made_sealed(log, buf_view(&text), tlp == TLP_CLEAR);
    buf_done(&text);
}

static int count_named(void *ctx, const struct view_row *row, struct err *err)
{
    (void)err;
    *(size_t *)ctx += row->has_text && row->to_count == 2;
    return 0;
}

struct heard {
    char text[512];
};

static int hear_person(void *ctx, struct span person, struct err *err)
{
    struct heard *heard = ctx;
    (void)err;
    char name[RECORD_LINE_MAX + 1];
    audience_short(person, name);
    snprintf(heard->text + strlen(heard->text), sizeof(heard->text) - strlen(heard->text), "%s ", name);
    return 0;
}

static void waiting_is(const struct view *view, size_t max, const char *wanted)
{
    struct heard heard = {""};
    char shown[sizeof(heard.text)] = "";
    good(view_persons_waiting(view, max, hear_person, &heard, &err));
    for (char *word = strtok(heard.text, " "); word; word = strtok(NULL, " "))
        strcat(strcat(shown, strrchr(word, '/') + 1), " ");
    assert_string_equal(shown, wanted);
}

static size_t listed_by(const struct view *view)
{
    size_t count = 0;
    good(view_list(view, &(struct view_query){.kind = SPAN_LIT("test/text"), .limit = 99}, count_named, &count, &err));
    return count;
}

/* Only this very person sees it, by each way in, whatever the role; administrators know that it waits, not what it is. */
static void records_for_persons(void **state)
{
    (void)state;
    struct roles r;
    struct made_log made;
    struct log_info log;
    char li[PERSON_MAX + 1], wang[PERSON_MAX + 1], strange[PERSON_MAX + 1];
    roles_begin(&r);
    snprintf(li, sizeof(li), "%s/li", r.own.origin);
    snprintf(wang, sizeof(wang), "%s/wang", r.own.origin);
    snprintf(strange, sizeof(strange), "%s/li", r.mirror.origin);
    made_begin(&made, "author.example");
    said_to(&made, TLP_RED, li, wang, "one");
    said_to(&made, TLP_RED, wang, strange, "two");
    said_to(&made, TLP_RED, r.own.origin, "who", "three");
    int64_t number = made_feed(&made, r.node.store, made.count, true);
    update(r.index, r.node.store);
    good(store_log(r.node.store, number, &log, &err));
    const struct {
        struct viewer viewer;
        const char *sees;
    } cases[] = {
        {{.class = VIEWER_USER, .name = "li", .role = ROLE_READER, .scopes = SCOPES_ALL, .person = li}, "100"},
        {{.class = VIEWER_USER, .name = "li", .role = ROLE_READER, .scopes = SCOPE_READ, .person = li}, "100"},
        {{.class = VIEWER_USER, .name = "w", .role = ROLE_ADMINISTRATOR, .scopes = SCOPES_ALL, .person = wang}, "110"},
        {{.class = VIEWER_USER, .name = "li", .role = ROLE_ADMINISTRATOR, .scopes = SCOPES_ALL, .person = strange},
         "010"},
        {{.class = VIEWER_USER, .name = "li", .role = ROLE_ADMINISTRATOR, .scopes = SCOPES_ALL}, "000"},
        {the_public, "000"},
        {the_operator, "111"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct view view = view_of(r.node.store, r.index, cases[i].viewer),
                    without = view_of(r.node.store, NULL, cases[i].viewer);
        size_t total = 0;
        for (uint64_t at = 1; at <= 3; at++) {
            struct arena arena;
            struct view_record record;
            bool sees = cases[i].sees[at - 1] == '1';
            arena_init(&arena, 1u << 20);
            good(view_record(&view, &log, at, &arena, &record, &err));
            assert_int_equal(record.has_text, sees);
            assert_int_equal(view_sees_ref(&view, RECORD_REF(number, at)), sees);
            assert_int_equal(view_sees_ref(&without, RECORD_REF(number, at)), sees);
            total += sees;
            arena_done(&arena);
        }
        assert_int_equal(listed_by(&view), total);
    }
    /* Nobody exports it, not even the operator. */
    struct view export;
    good(view_open(r.node.store, r.index, the_operator, OUTLET_EXPORT, &export, &err));
    for (uint64_t at = 1; at <= 3; at++)
        assert_false(view_sees_ref(&export, RECORD_REF(number, at)));
    /* Who has no account yet is waited for: of the members that live here. */
    struct view ours = view_of(r.node.store, r.index, the_operator),
                administrator = view_of(r.node.store, r.index, cases[2].viewer),
                reader = view_of(r.node.store, r.index, cases[0].viewer);
    struct user user;
    struct heard heard;
    waiting_is(&ours, 99, "li wang ");
    waiting_is(&administrator, 1, "li ");
    bad(view_persons_waiting(&reader, 99, hear_person, &heard, &err), ERR_REFUSED, "administrators");
    good(user_add(r.node.store, SPAN_LIT("li"), ROLE_READER, SPAN_LIT("long enough to be one"), TIME_MS, &user, &err));
    assert_string_equal(user.member, r.own.origin);
    waiting_is(&ours, 99, "wang ");
    /* Taken back: gone, and nobody is named any more. */
    good(payload_erase(r.node.store, number, 1, &err));
    good(payload_erase(r.node.store, number, 2, &err));
    update(r.index, r.node.store);
    assert_false(view_sees_ref(&administrator, RECORD_REF(number, 1)));
    good(index_forget(r.index, RECORD_REF(number, 1), &err));
    good(index_forget(r.index, RECORD_REF(number, 2), &err));
    waiting_is(&ours, 99, "");
    made_end(&made);
    roles_end(&r);
}

/* ---- what policy lets leave ---- */

static void put_policy(struct store *store, const char *text)
{
    char path[256];
    bool changed;
    snprintf(path, sizeof(path), "%s/policy.conf", store_dir(store));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    good(rules_adopt(store, TIME_MS, NULL, &changed, &err));
    assert_true(changed);
}

static void said(struct made_log *log, const char *lang, enum tlp tlp, const char *body)
{
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {
        .kind = "test/text", .time_ms = TIME_MS, .tlp = tlp, .lang = span_str(lang), .body = span_str(body)};
    good(record_write(&draft, &text, &err));
    made_sealed(log, buf_view(&text), tlp == TLP_CLEAR);
    buf_done(&text);
}

static int count_seen(void *ctx, const struct view_row *row, struct err *err)
{
    (void)err;
    *(size_t *)ctx += row->has_text && !strstr(row->kind, "connect/");
    return 0;
}

/* Which contents of a log of four are seen, by each way that gives some: '1' seen, '0' not. All must agree. */
static void expect_seen(const struct log_info *log, const struct view *view, const char *wanted)
{
    struct buf items;
    struct payload_item item;
    struct err end;
    size_t covered, listed = 0, total = 0;
    buf_init(&items, PAYLOAD_BUNDLE_MAX);
    good(view_payloads(view, log, 0, (size_t)log->size, &items, &covered, &err));
    struct payload_reader reader = {.bundle = buf_view(&items)};
    assert_int_equal(payload_next(&reader, &item, &end), 1); /* entry 0 */
    for (uint64_t i = 1; i < log->size; i++) {
        struct arena arena;
        struct view_record record;
        bool seen = wanted[i - 1] == '1';
        total += seen;
        arena_init(&arena, 64u << 20);
        assert_int_equal(payload_next(&reader, &item, &end), 1);
        good(view_record(view, log, i, &arena, &record, &err));
        if (!item.hole != seen || record.has_text != seen || view_sees_ref(view, RECORD_REF(log->number, i)) != seen)
            fail_msg("entry %llu: in the bundle %d, as a record %d, by its ref %d, wanted %d", (unsigned long long)i,
                     !item.hole, record.has_text, view_sees_ref(view, RECORD_REF(log->number, i)), seen);
        good(view_record_brief(view, RECORD_REF(log->number, i), &arena, &record, &err));
        assert_int_equal(record.has_text, seen);
        arena_done(&arena);
    }
    if (view->index) {
        good(view_list(view, &(struct view_query){.number = log->number, .kind = SPAN_LIT("test/text"), .limit = 99},
                       count_seen, &listed, &err));
        assert_int_equal(listed, total);
    }
    buf_done(&items);
}

static void records_by_policy(void **state)
{
    (void)state;
    struct roles r;
    struct made_log made;
    struct log_info log;
    struct buf large;
    roles_begin(&r);
    buf_init(&large, 1u << 20);
    for (size_t i = 0; i < VIEW_BRIEF_MAX; i++)
        buf_byte(&large, 'x');
    made_begin(&made, "author.example");
    said(&made, "zh-Hans", TLP_CLEAR, "one");
    said(&made, "en", TLP_CLEAR, "two");
    said(&made, "en", TLP_GREEN, "three");
    said(&made, "", TLP_CLEAR, buf_cstr(&large)); /* lists read only its beginning */
    int64_t number = made_feed(&made, r.node.store, made.count, true);
    good(store_log(r.node.store, number, &log, &err));
    update(r.index, r.node.store);
    static const struct {
        const char *policy, *seen;
    } cases[] = {
        {"share\n", "1101"},
        {"refuse share language zh reason \"x\"\n", "0101"},
        {"refuse share size > 100kB reason \"x\"\n", "1100"},
        {"share size > 100kB\nrefuse share reason \"x\"\n", "0001"},
        {"refuse share from author.example reason \"x\"\n", "0000"},
        {"refuse share from mirror.example reason \"x\"\n", "1101"},
        {"refuse share kind test/* to ! * reason \"x\"\n", "0000"},
        {"refuse share kind test/* to * reason \"x\"\n", "1101"},
        {"share language ! none\nrefuse share kind test/text reason \"x\"\n", "1100"},
        {"hold\n", "1101"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_policy(r.node.store, cases[i].policy);
        struct view everybody = view_of(r.node.store, r.index, the_public),
                    without = view_of(r.node.store, NULL, the_public),
                    ours = view_of(r.node.store, r.index, the_operator);
        expect_seen(&log, &everybody, cases[i].seen);
        expect_seen(&log, &without, cases[i].seen);
        expect_seen(&log, &ours, "1111");
    }
    buf_done(&large);
    made_end(&made);
    roles_end(&r);
}

/* What policy holds is read by whoever decides about it; users of the node see what it does not hold, whatever leaves. */
static void waiting_for_a_person(void **state)
{
    (void)state;
    static const struct viewer *const others[] = {&the_public, &a_reader, &an_analyst};
    struct roles r;
    struct made_log made;
    struct view_record record;
    struct arena arena;
    roles_begin(&r);
    arena_init(&arena, 64u << 20);
    made_begin(&made, "author.example");
    said(&made, "en", TLP_AMBER, "one");
    int64_t number = made_feed(&made, r.node.store, made.count, true);
    update(r.index, r.node.store);
    put_policy(r.node.store, "refuse share reason \"x\"\n");
    for (int held = 0; held < 2; held++) {
        for (size_t i = 0; i < 3; i++) {
            struct view view = view_of(r.node.store, r.index, *others[i]);
            bool sees = i > 0 && !held;
            assert_int_equal(view_sees_ref(&view, RECORD_REF(number, 1)), sees);
            good(view_record_ref(&view, RECORD_REF(number, 1), &arena, &record, &err));
            assert_true(record.has_text == sees && !record.waiting);
        }
        struct view ours = view_of(r.node.store, r.index, the_operator);
        good(view_record_ref(&ours, RECORD_REF(number, 1), &arena, &record, &err));
        assert_true(record.has_text && record.waiting == (held == 1));
        good(store_begin(r.node.store, &err));
        if (!held)
            good(payload_await(r.node.store, number, 1, &err));
        good(store_commit(r.node.store, &err));
        update(r.index, r.node.store);
    }
    made_end(&made);
    arena_done(&arena);
    roles_end(&r);
}

/* Erased a moment ago, and the index does not know yet. */
static void erased_before_the_index_knows(void **state)
{
    (void)state;
    struct roles r;
    roles_begin(&r);
    int64_t ref = RECORD_REF(r.mirror.number, 1);
    struct view before = view_of(r.node.store, r.index, the_public);
    assert_true(view_sees_ref(&before, ref));
    good(payload_erase(r.node.store, r.mirror.number, 1, &err));
    struct view everybody = view_of(r.node.store, r.index, the_public),
                ours = view_of(r.node.store, r.index, the_operator);
    assert_false(view_sees_ref(&everybody, ref));
    assert_false(view_sees_ref(&ours, ref));
    roles_end(&r);
}

static int64_t known_to_index(const struct node *node, int64_t ref)
{
    char path[160];
    sqlite3 *db;
    sqlite3_stmt *statement;
    snprintf(path, sizeof(path), "%s/index.db", node->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM record WHERE ref = ?", -1, &statement, NULL), 0);
    sqlite3_bind_int64(statement, 1, ref);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

/* A payload that a disk has changed is neither shown nor folded. */
static void damaged_payload(void **state)
{
    (void)state;
    struct roles r;
    struct arena arena;
    struct view_record record;
    char path[160];
    roles_begin(&r);
    arena_init(&arena, 1u << 20);
    int64_t ref = RECORD_REF(r.own.number, 1);
    assert_int_equal(known_to_index(&r.node, ref), 1);
    if (sqlite3_exec(store_db(r.node.store),
                     "UPDATE tail_payload SET item = CAST(CAST(substr(item, 1, 60) AS TEXT) || 'X' || "
                     "CAST(substr(item, 62) AS TEXT) AS BLOB)"
                     " WHERE ref = (1 << 40) + 1",
                     NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(store_db(r.node.store)));
    struct view ours = view_of(r.node.store, r.index, the_operator);
    bad(view_record(&ours, &r.own, 1, &arena, &record, &err), ERR_IO, "does not fit its seal");
    index_close(r.index);
    snprintf(path, sizeof(path), "%s/index.db", r.node.dir);
    assert_int_equal(unlink(path), 0);
    r.index = index_of(&r.node);
    update(r.index, r.node.store);
    assert_int_equal(known_to_index(&r.node, ref), 0);
    assert_int_equal(known_to_index(&r.node, RECORD_REF(r.local.number, 1)), 1);
    arena_done(&arena);
    roles_end(&r);
}

static void payload_bundles_have_holes(void **state)
{
    (void)state;
    struct roles r;
    struct buf bundle;
    size_t count;
    roles_begin(&r);
    struct view everybody = view_of(r.node.store, NULL, the_public), ours = view_of(r.node.store, NULL, the_operator);
    struct view users =
        view_of(r.node.store, NULL, a_reader); /* bundles are for nodes: a user gets what the public gets */
    buf_init(&bundle, PAYLOAD_BUNDLE_MAX);
    static const bool clear[] = {false, true, false, false, true, false},
                      held[] = {false, true, true, true, true, false};
    for (int pass = 0; pass < 3; pass++) {
        buf_clear(&bundle);
        const struct view *view = pass == 0 ? &everybody : pass == 1 ? &ours : &users;
        good(view_payloads(view, &r.mirror, 0, 6, &bundle, &count, &err));
        assert_int_equal(count, 6);
        struct payload_reader reader = {.bundle = buf_view(&bundle)};
        for (size_t i = 0; i < 6; i++) {
            struct payload_item item;
            struct err err;
            assert_int_equal(payload_next(&reader, &item, &err), 1);
            assert_int_equal(item.hole, pass == 1 ? !held[i] : !clear[i]);
        }
    }
    bad(view_payloads(&ours, &r.mirror, 0, 7, &bundle, &count, &err), ERR_NOTFOUND, "not reached");
    buf_done(&bundle);
    roles_end(&r);
}

/* ---- bytes of logs ---- */

static void tiles_of_every_width(void **state)
{
    (void)state;
    struct node node;
    struct log_info log;
    struct buf whole, part;
    node_start(&node);
    node_member(&node, "a.example", true, &log);
    append_many(node.store, log.number, "a", 699, 30, true);
    good(store_log(node.store, log.number, &log, &err));
    assert_int_equal(log.size, 700);
    struct view view = view_of(node.store, NULL, the_public);
    buf_init(&whole, BUNDLE_MAX);
    buf_init(&part, BUNDLE_MAX);
    static const struct {
        int level;
        uint64_t index;
        unsigned have;
    } tiles[] = {{0, 0, 256}, {0, 2, 188}, {1, 0, 2}, {TILE_LEVEL_ENTRIES, 1, 256}, {TILE_LEVEL_ENTRIES, 2, 188}};
    for (size_t i = 0; i < sizeof(tiles) / sizeof(tiles[0]); i++) {
        struct tile tile = {tiles[i].level, tiles[i].index, tiles[i].have};
        buf_clear(&whole);
        good(view_tile(&view, &log, &tile, &whole, &err));
        if (tile.level >= 0)
            assert_int_equal(whole.len, 32 * (size_t)tiles[i].have);
        for (unsigned width = 1; width <= tiles[i].have; width += 31) {
            tile.width = width;
            buf_clear(&part);
            good(view_tile(&view, &log, &tile, &part, &err));
            assert_true(part.len <= whole.len);
            assert_memory_equal(part.data, whole.data, part.len);
        }
        tile.width = tiles[i].have + 1;
        if (tile.width <= 256)
            bad(view_tile(&view, &log, &tile, &part, &err), ERR_NOTFOUND, "not reached");
    }
    struct tile beyond = {0, 3, 1}, high = {2, 0, 1}, far = {0, UINT64_MAX / 256, 256};
    bad(view_tile(&view, &log, &beyond, &part, &err), ERR_NOTFOUND, "not reached");
    bad(view_tile(&view, &log, &high, &part, &err), ERR_NOTFOUND, "not reached");
    bad(view_tile(&view, &log, &far, &part, &err), ERR_NOTFOUND, "not reached");

    struct tile full = {0, 1, 256}, tail = {0, 2, 188};
    struct tile_bytes bytes = {.out = &part};
    buf_clear(&part);
    buf_clear(&whole);
    good(view_tile_file(&view, &log, &full, &bytes, &err));
    assert_int_equal(part.len, 8192);
    good(view_tile(&view, &log, &full, &whole, &err));
    assert_memory_equal(part.data, whole.data, 8192);
    bad(view_tile_file(&view, &log, &tail, &bytes, &err), ERR_NOTFOUND, "");
    buf_done(&whole);
    buf_done(&part);
    node_stop(&node);
}

static void proofs_hold(void **state)
{
    (void)state;
    struct node node;
    struct log_info log;
    node_start(&node);
    node_member(&node, "a.example", true, &log);
    append_many(node.store, log.number, "a", 299, 30, true);
    struct view view = view_of(node.store, NULL, the_public);
    static const uint64_t indices[] = {0, 1, 255, 256, 299};
    for (size_t i = 0; i < 5; i++) {
        struct buf file, entry;
        uint64_t index;
        struct tlog_proof proof;
        struct span note_text;
        struct note note;
        struct checkpoint checkpoint;
        struct tlog_hash leaf;
        buf_init(&file, NOTE_MAX);
        buf_init(&entry, ENTRY_MAX);
        /* `log` is older than what was appended since: the proof is for the head. */
        good(view_proof(&view, &log, indices[i], &file, &err));
        good(proof_file_parse(buf_view(&file), &index, &proof, &note_text, &err));
        assert_int_equal(index, indices[i]);
        good(note_parse(note_text, &note, &err));
        good(checkpoint_parse(note.text, &checkpoint, &err));
        assert_int_equal(checkpoint.size, 300);
        good(store_read_entry(node.store, log.number, index, &entry, &err));
        tlog_leaf_hash(buf_view(&entry), &leaf);
        good(tlog_verify_inclusion(index, checkpoint.size, &leaf, &proof, &checkpoint.root, &err));
        buf_done(&file);
        buf_done(&entry);
    }
    struct buf file;
    buf_init(&file, NOTE_MAX);
    bad(view_proof(&view, &log, 300, &file, &err), ERR_NOTFOUND, "300");
    buf_done(&file);
    node_stop(&node);
}

/* ---- lists ---- */

struct listed {
    char text[8192];
};

static int list_row(void *ctx, const struct view_row *row, struct err *err)
{
    (void)err;
    struct listed *listed = ctx;
    size_t len = strlen(listed->text);
    snprintf(listed->text + len, sizeof(listed->text) - len, "%.3s/%llu %s %s|", row->origin,
             (unsigned long long)RECORD_REF_INDEX(row->ref), row->kind, row->has_text ? row->title : "-");
    return 0;
}

static void expect_list(const struct view *view, const struct view_query *query, const char *expected)
{
    struct listed listed = {.text = ""};
    good(view_list(view, query, list_row, &listed, &err));
    assert_string_equal(listed.text, expected);
}

/* A list reads no more of a long record than what it shows of it; the record itself is shown whole. */
static void lists_of_long_records(void **state)
{
    (void)state;
    struct node node;
    struct made_log made;
    struct arena arena;
    struct view_record record;
    size_t len = 4 * VIEW_BRIEF_MAX;
    char *body = malloc(len + 1);
    assert_non_null(body);
    memset(body, 'x', len);
    memcpy(body, "in short\n", 9);
    body[len] = '\0';
    node_start(&node);
    made_begin(&made, "long.example");
    made_record(&made, "test/text", TLP_CLEAR, TIME_MS + 2, NULL, body);
    made_record(&made, "test/text", TLP_GREEN, TIME_MS + 1, NULL, body);
    int64_t number = made_feed(&made, node.store, made.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    struct view everybody = view_of(node.store, index, the_public), ours = view_of(node.store, index, the_operator);
    struct view_query query = {.limit = 9, .kind = SPAN_LIT("test/text")};
    expect_list(&everybody, &query, "lon/1 test/text in short|");
    expect_list(&ours, &query, "lon/1 test/text in short|lon/2 test/text in short|");
    arena_init(&arena, 32u << 20);
    good(view_record_brief(&everybody, RECORD_REF(number, 1), &arena, &record, &err));
    assert_true(record.cut && record.parsed && record.has_text);
    assert_int_equal(record.text.len, VIEW_BRIEF_MAX);
    assert_int_equal(record.record.tlp, TLP_CLEAR);
    good(view_record_brief(&everybody, RECORD_REF(number, 2), &arena, &record, &err));
    assert_false(record.parsed || record.has_text || record.text.data);
    good(view_record_ref(&everybody, RECORD_REF(number, 1), &arena, &record, &err));
    assert_false(record.cut);
    assert_int_equal(record.record.body.len, len);
    arena_done(&arena);
    free(body);
    index_close(index);
    made_end(&made);
    node_stop(&node);
}

static void lists_newest_first(void **state)
{
    (void)state;
    struct roles r;
    roles_begin(&r);
    struct view everybody = view_of(r.node.store, r.index, the_public),
                ours = view_of(r.node.store, r.index, the_operator);
    struct view_query all = {.limit = 100, .kind = SPAN_LIT("test/text")};
    expect_list(&everybody, &all,
                "mir/1 test/text text: for all|own/2 test/text text: own-2 6.8.10.13.16.1|"
                "own/1 test/text text: own-1 6.8.10.13.16.1|");
    struct view_query newest = {.limit = 2};
    expect_list(&everybody, &newest, "mir/1 test/text text: for all|own/2 test/text text: own-2 6.8.10.13.16.1|");
    newest.limit = 1;
    expect_list(&ours, &newest, "mir/2 test/text text: for some|");
    struct view_query since = {.limit = 9, .since_ms = TIME_MS + 1};
    expect_list(&everybody, &since, "mir/1 test/text text: for all|");
    expect_list(&ours, &since, "mir/2 test/text text: for some|mir/1 test/text text: for all|");

    struct view_query one = {.number = r.mirror.number, .limit = 3};
    expect_list(&everybody, &one, "mir/5 seal -|mir/4 seal -|mir/3 seal -|");
    one.before = 3;
    one.limit = 2;
    expect_list(&everybody, &one, "mir/2 seal -|mir/1 test/text text: for all|");
    expect_list(&ours, &one, "mir/2 test/text text: for some|mir/1 test/text text: for all|");
    one.kind = SPAN_LIT("test/text");
    one.before = 0;
    one.limit = 9;
    expect_list(&everybody, &one, "mir/1 test/text text: for all|");
    one.kind = SPAN_LIT("no/such");
    expect_list(&ours, &one, "");
    struct view_query hidden = {.number = r.local.number, .limit = 9};
    struct listed listed = {.text = ""};
    bad(view_list(&everybody, &hidden, list_row, &listed, &err), ERR_NOTFOUND, "no such log");
    struct view without = view_of(r.node.store, NULL, the_public);
    bad(view_list(&without, &newest, list_row, &listed, &err), ERR_USAGE, "index");
    roles_end(&r);
}

static int count_row(void *ctx, const struct view_row *row, struct err *err)
{
    (void)err;
    int64_t *last = ctx;
    assert_true(last[1] < 0 || row->ref < last[1]);
    last[1] = row->ref;
    last[0]++;
    return 0;
}

/* Hundreds of records of one millisecond: each once. */
static void lists_of_one_moment(void **state)
{
    (void)state;
    struct node node;
    struct log_info log;
    node_start(&node);
    node_member(&node, "a.example", true, &log);
    append_many(node.store, log.number, "a", 500, 30, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    struct view views[] = {view_of(node.store, index, the_public), view_of(node.store, index, the_operator)};
    for (size_t i = 0; i < 2; i++) {
        int64_t seen[2] = {0, -1};
        struct view_query query = {.limit = 1000, .kind = SPAN_LIT("test/text")};
        good(view_list(&views[i], &query, count_row, seen, &err));
        assert_int_equal(seen[0], 500);
        seen[0] = 0;
        seen[1] = -1;
        query.number = log.number;
        query.limit = 150;
        good(view_list(&views[i], &query, count_row, seen, &err));
        assert_int_equal(seen[0], 150);
    }
    index_close(index);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outlets_stand_in_the_table),
        cmocka_unit_test(public_sees_served_logs),
        cmocka_unit_test(heads_pass_what_is_hidden),
        cmocka_unit_test(records_by_marking),
        cmocka_unit_test(records_for_persons),
        cmocka_unit_test(records_by_policy),
        cmocka_unit_test(waiting_for_a_person),
        cmocka_unit_test(erased_before_the_index_knows),
        cmocka_unit_test(damaged_payload),
        cmocka_unit_test(payload_bundles_have_holes),
        cmocka_unit_test(tiles_of_every_width),
        cmocka_unit_test(proofs_hold),
        cmocka_unit_test(lists_newest_first),
        cmocka_unit_test(lists_of_long_records),
        cmocka_unit_test(lists_of_one_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
