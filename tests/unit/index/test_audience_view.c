/* Members as viewers: each sees what is for it, by name, group, community or host, as of now; others' costs nothing. */
#include "index/view.h"

#include "index/capability.h"
#include "state/node.h"

#define H "/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define NAMED "named.example" H
#define MEMBER "in.group.example" H
#define FRIEND "friend.example" H
#define OUTSIDE "outside.example" H
#define GROUP "owner.example" H "#energy"
#define EMPTY "owner.example" H "#nobody"

static char groups_of[512];     /* "MEMBER GROUP" lines that hold; a group whose owner left has none */
static const char *more_groups; /* instead of them */
static bool community_stands;
static int64_t group_asked_ms;
static struct span author;

static bool knows_group(const struct view *view, struct span group, struct span member, int64_t time_ms)
{
    char line[400];
    (void)view;
    group_asked_ms = time_ms;
    snprintf(line, sizeof(line), "%.*s %.*s\n", SPAN_ARGS(member), SPAN_ARGS(group));
    return strstr(more_groups ? more_groups : groups_of, line) != NULL;
}

static bool knows_community(const struct view *view, struct span a, struct span b)
{
    (void)view;
    return community_stands && span_eq(a, author) && span_is(b, FRIEND);
}

static const char *const no_tables[] = {NULL};
static const struct capability knowing = {
    .name = "test", .schema = "", .tables = no_tables, .in_group = knows_group, .same_community = knows_community};
const struct capability *const capabilities[] = {&knowing, NULL};

static struct node node;
static struct log_info own;

static int begin(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "author.example", true, &own);
    author = span_str(own.origin);
    groups_of[0] = '\0';
    community_stands = false;
    return 0;
}

static int end(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

static uint64_t say(enum tlp tlp, const char *to, const char *body)
{
    struct span name = span_str(to);
    uint64_t index = 0;
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {.kind = "test/text",
                                 .time_ms = TIME_MS,
                                 .tlp = tlp,
                                 .to = &name,
                                 .to_count = to[0] != '\0',
                                 .body = span_str(body)};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), tlp == TLP_CLEAR};
    good(author_append(node.store, own.number, &item, 1, TIME_MS, &index, &err));
    good(store_log(node.store, own.number, &own, &err));
    buf_done(&text);
    return index;
}

static struct view view_through(const char *member, enum outlet outlet)
{
    struct view view;
    struct viewer viewer = {.class = VIEWER_MEMBER, .origin = member, .time_ms = TIME_MS + 7};
    good(view_open(node.store, NULL, viewer, outlet, &view, &err));
    return view;
}

static struct view view_of(const char *member)
{
    return view_through(member, OUTLET_HTTP_LOGS);
}

/* What this member is given of the log: '1' an item, '0' a hole, an entry each. */
static const char *given(const char *member)
{
    static char shown[64];
    struct view view = view_of(member);
    struct payload_item item;
    struct buf out;
    size_t count = 0, at = 0;
    struct err ended;
    buf_init(&out, PAYLOAD_BUNDLE_MAX);
    good(view_payloads(&view, &own, 0, (size_t)own.size, &out, &count, &err));
    struct payload_reader reader = {buf_view(&out), 0};
    while (payload_next(&reader, &item, &ended) > 0)
        shown[at++] = item.hole ? '0' : '1';
    shown[at] = '\0';
    assert_int_equal(at, own.size);
    buf_done(&out);
    return shown;
}

static void each_its_own(void **state)
{
    (void)state;
    say(TLP_CLEAR, "", "one");
    say(TLP_AMBER_STRICT, NAMED, "two");
    say(TLP_AMBER, GROUP, "three");
    say(TLP_GREEN, "", "four");
    say(TLP_RED, NAMED, "five");
    say(TLP_AMBER, EMPTY, "six");
    assert_string_equal(given(OUTSIDE), "0100000");
    assert_string_equal(given(NAMED), "0110000");
    assert_string_equal(given(MEMBER), "0100000");
    assert_string_equal(given(FRIEND), "0100000");
    assert_string_equal(given(own.origin), "0111111");
    snprintf(groups_of, sizeof(groups_of), "%s %s\n", MEMBER, GROUP);
    community_stands = true;
    assert_string_equal(given(MEMBER), "0101000");
    assert_int_equal(group_asked_ms, TIME_MS + 7);
    assert_string_equal(given(FRIEND), "0100100");
    assert_string_equal(given(OUTSIDE), "0100000");
    groups_of[0] = '\0'; /* it left the group, or the group's owner left */
    community_stands = false;
    assert_string_equal(given(MEMBER), "0100000");
    assert_string_equal(given(FRIEND), "0100000");
}

/* The index has read less of the owner's log than is here: a newer list may be in it, so nothing is given by an older one. */
static void while_the_index_is_behind(void **state)
{
    (void)state;
    struct index *index;
    struct log_info owner;
    char group[ORIGIN_MAX + 16];
    node_member(&node, "second.example", false, &owner);
    snprintf(group, sizeof(group), "%s#energy", owner.origin);
    say(TLP_AMBER, group, "one");
    snprintf(groups_of, sizeof(groups_of), "%s %s\n", MEMBER, group);
    good(index_open(node.dir, &index, &err));
    struct view view = view_of(MEMBER);
    size_t count;
    struct buf out;
    buf_init(&out, PAYLOAD_BUNDLE_MAX);
    view.index = index;
    (void)view_was_behind();
    good(view_payloads(&view, &own, own.size - 1, 1, &out, &count, &err));
    assert_int_equal(out.len, 4); /* a hole */
    assert_true(view.is_behind);
    assert_true(view_was_behind());
    assert_false(view_was_behind());
    /* Who waits with this view waits for what is told again, be it told before he begins to wait. */
    int64_t now = 0;
    good(store_begin(node.store, &err));
    good(reach_mark(node.store, span_str(group), 1, true, &err));
    good(store_commit(node.store, &err));
    good(reach_count(node.store, &now, &err));
    assert_true(view.came < now);
    good(index_update(index, node.store, 0, NULL, &err));
    view = view_of(MEMBER);
    view.index = index;
    buf_clear(&out);
    good(view_payloads(&view, &own, own.size - 1, 1, &out, &count, &err));
    assert_true(out.len > 4);
    assert_false(view.is_behind);
    assert_false(view_was_behind());
    buf_done(&out);
    index_close(index);
}

static int list_log(void *ctx, const struct log_info *log, struct err *err)
{
    (void)log;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static size_t came(const char *member, int64_t *ret)
{
    struct view view = view_through(member, OUTLET_HTTP_HEADS);
    size_t count = 0;
    good(view_heads_came(&view, INT64_MAX, 0, 100, list_log, &count, ret, &err));
    return count;
}

/* Groups by the hundred that others publish and name a member in keep nothing from it that is for another group. */
static void flooded_with_groups(void **state)
{
    (void)state;
    struct log_info other;
    static char flood[256 * 200];
    size_t len = 0;
    int64_t next;
    node_member(&node, "flood.example", false, &other);
    struct log_info mine = own;
    own = other;
    for (unsigned i = 0; i < 200; i++) {
        char group[ORIGIN_MAX + 16];
        snprintf(group, sizeof(group), "%s#g%u", other.origin, i);
        say(TLP_AMBER, group, "flood");
        len += (size_t)snprintf(flood + len, sizeof(flood) - len, "%s %s\n", MEMBER, group);
    }
    own = mine;
    say(TLP_AMBER, GROUP, "what matters");
    assert_true(len + 300 < sizeof(flood));
    snprintf(flood + len, sizeof(flood) - len, "%s %s\n", MEMBER, GROUP);
    more_groups = flood;
    assert_string_equal(given(MEMBER), "01");
    assert_int_equal(came(MEMBER, &next), 2);
    more_groups = NULL;
    assert_string_equal(given(MEMBER), "00");
}

static void told_of_its_own(void **state)
{
    (void)state;
    int64_t reached = 0;
    say(TLP_AMBER, NAMED, "one");
    assert_int_equal(came(NAMED, &reached), 1);
    assert_int_equal(came(OUTSIDE, &reached), 0);
    assert_int_equal(came(FRIEND, &reached), 0);
    say(TLP_GREEN, FRIEND, "two"); /* named and of the community: told once */
    community_stands = true;
    assert_int_equal(came(FRIEND, &reached), 1);
    assert_int_equal(came(OUTSIDE, &reached), 0);
    community_stands = false;
    say(TLP_AMBER, GROUP, "three");
    assert_int_equal(came(MEMBER, &reached), 0);
    snprintf(groups_of, sizeof(groups_of), "%s %s\n", MEMBER, GROUP);
    assert_int_equal(came(MEMBER, &reached), 1);
}

/* What is for persons goes to their members by its author alone: who got it does not pass it on, but back to the author. */
static void persons_of_members(void **state)
{
    (void)state;
    int64_t reached;
    say(TLP_RED, NAMED "/li", "one");
    say(TLP_RED, MEMBER "/li", "two");
    say(TLP_AMBER, NAMED "/li", "three");
    say(TLP_RED, GROUP, "four");
    snprintf(groups_of, sizeof(groups_of), "%s %s\n", NAMED, GROUP);
    community_stands = true;
    assert_string_equal(given(NAMED), "01000");
    assert_string_equal(given(MEMBER), "00100");
    assert_string_equal(given(FRIEND), "00000");
    assert_int_equal(came(NAMED, &reached), 1);
    assert_int_equal(came(OUTSIDE, &reached), 0);
    own.role = LOG_MIRROR; /* as a node that got it sees the log */
    assert_string_equal(given(NAMED), "00000");
    assert_string_equal(given(own.origin), "01111");
}

/* A member whose own profile names its host opens what is for it to the host, and nothing the other way round. */
static void hosts_and_guests(void **state)
{
    (void)state;
    struct log_info host, guest;
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_OWN, .recovery_path = node_path(&node, "guest.recovery")};
    node_member(&node, "host.example", false, &host);
    snprintf(make.profile.name, sizeof(make.profile.name), "guest.example");
    snprintf(make.profile.host, sizeof(make.profile.host), "%s", host.origin);
    make.profile.class = CLASS_CIVIL;
    good(author_create(node.store, &make, &guest, &err));
    say(TLP_AMBER, guest.origin, "for the guest");
    say(TLP_AMBER_STRICT, guest.origin, "for the guest alone");
    say(TLP_AMBER, host.origin, "for the host");
    assert_string_equal(given(guest.origin), "0110");
    assert_string_equal(given(host.origin), "0101");
    int64_t reached = 0;
    assert_int_equal(came(host.origin, &reached), 1); /* its node asks for the guest, too */
}

/* No outlet but those for nodes gives a member anything of its own. */
static void outlets_for_members(void **state)
{
    (void)state;
    struct view view;
    struct viewer viewer = {.class = VIEWER_MEMBER, .origin = NAMED, .time_ms = TIME_MS};
    for (int i = 0; i < OUTLETS; i++)
        if (i == OUTLET_HTTP_LOGS || i == OUTLET_HTTP_HEADS || i == OUTLET_HTTP_EVENTS)
            good(view_open(node.store, NULL, viewer, (enum outlet)i, &view, &err));
        else
            bad(view_open(node.store, NULL, viewer, (enum outlet)i, &view, &err), ERR_REFUSED, outlet_table[i].name);
    uint64_t index = say(TLP_AMBER, NAMED, "one");
    struct arena arena;
    struct view_record record;
    arena_init(&arena, 1u << 20);
    view = view_of(NAMED);
    good(view_record(&view, &own, index, &arena, &record, &err)); /* one by one, as the public */
    assert_false(record.has_text);
    assert_false(view_sees_ref(&view, RECORD_REF(own.number, index)));
    arena_done(&arena);
}

static void put_policy(const char *text)
{
    char path[256];
    bool changed = false;
    snprintf(path, sizeof(path), "%s/policy.conf", store_dir(node.store));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    good(rules_adopt(node.store, TIME_MS, NULL, &changed, &err));
    assert_true(changed);
}

/* Its audience and a rule have to admit a member; only its author gets back what no rule is about. */
static void policy_beside_audience(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *named, *member, *author;
        size_t told; /* is NAMED told that something came? */
    } cases[] = {
        {"share", "0110", "0101", "0111", 1},
        {"# no word about it", "0100", "0100", "0111", 0},
        {"share to named.example", "0110", "0100", "0111", 1},
        {"refuse share to named.example reason \"x\"\nshare", "0000", "0101", "0111", 0},
        {"refuse share tlp clear reason \"x\"\nshare", "0010", "0001", "0011", 1},
        {"refuse share kind test/text reason \"x\"", "0000", "0000", "0000", 1},
        {"refuse share reason \"x\"", "0000", "0000", "0000", 0},
    };
    int64_t reached;
    say(TLP_CLEAR, "", "one");
    say(TLP_AMBER_STRICT, NAMED, "two");
    say(TLP_AMBER, GROUP, "three");
    snprintf(groups_of, sizeof(groups_of), "%s %s\n", MEMBER, GROUP);
    assert_string_equal(given(NAMED), "0110"); /* without a file */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_policy(cases[i].policy);
        assert_string_equal(given(NAMED), cases[i].named);
        assert_string_equal(given(MEMBER), cases[i].member);
        assert_string_equal(given(own.origin), cases[i].author);
        assert_string_equal(given(OUTSIDE), cases[i].named[1] == '1' || i == 3 ? "0100" : "0000");
        assert_int_equal(came(NAMED, &reached), cases[i].told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_its_own, begin, end),
        cmocka_unit_test_setup_teardown(while_the_index_is_behind, begin, end),
        cmocka_unit_test_setup_teardown(flooded_with_groups, begin, end),
        cmocka_unit_test_setup_teardown(told_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(persons_of_members, begin, end),
        cmocka_unit_test_setup_teardown(hosts_and_guests, begin, end),
        cmocka_unit_test_setup_teardown(outlets_for_members, begin, end),
        cmocka_unit_test_setup_teardown(policy_beside_audience, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
