/* Powers that are lent: what a record may say, when it holds, for whom, and who is in a group by it. */
#include "story.h"

#include "governance/cessions.h"

const struct capability *const capabilities[] = {&governance_capability, NULL};

#define END_MS (TIME_MS + 1000)
#define ORIGIN "one.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define UNTIL "\"until\":\"2027-01-01T00:00:00.000Z\""

/* ---- bodies ---- */

static int parse(const char *body, struct arena *arena, struct cession *ret, struct err *err)
{
    static char text[70000];
    struct record record;
    snprintf(text, sizeof(text), "tongzhou/1 " CESSION_KIND "\ntime 2026-11-28T00:00:00.000Z\n\n%s", body);
    assert_int_equal(record_parse(span_str(text), arena, &record, err), 0);
    return cession_parse(&record, arena, ret, err);
}

static void what_may_be_said(void **state)
{
    (void)state;
    static const struct {
        const char *body, *wrong;
    } refused[] = {
        {"[]", "object"},
        {"{}", "\"power\" is missing"},
        {"{\"power\":\"admit\"," UNTIL "}", "\"to\" is missing"},
        {"{\"power\":\"Admit\",\"to\":\"" ORIGIN "\"," UNTIL ",\"group\":\"desk\"}", "\"power\" is no word"},
        {"{\"power\":\"admit\",\"to\":\"somebody\"," UNTIL ",\"group\":\"desk\"}", "neither an origin nor a group"},
        {"{\"power\":\"admit\",\"to\":\"" ORIGIN "#Desk\"," UNTIL ",\"group\":\"desk\"}", "neither an origin"},
        {"{\"power\":\"admit\",\"to\":\"" ORIGIN "\",\"group\":\"desk\"}", "\"until\" is missing"},
        {"{\"power\":\"admit\",\"to\":\"" ORIGIN "\",\"until\":\"tomorrow\",\"group\":\"desk\"}",
         "\"until\" is no time"},
        {"{\"power\":\"admit\",\"to\":\"" ORIGIN "\"," UNTIL "}", "admit has a group"},
        {"{\"power\":\"admit\",\"to\":\"" ORIGIN "\"," UNTIL ",\"group\":\"a b\"}", "\"group\" is no name"},
        {"{\"power\":\"admit\",\"to\":\"" ORIGIN "\"," UNTIL ",\"group\":\"desk\",\"kinds\":[\"a/b\"]}",
         "no other scope"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\"," UNTIL ",\"group\":\"desk\"}", "moderate has no group"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\"," UNTIL ",\"kinds\":[]}", "0 items"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\"," UNTIL ",\"kinds\":\"a/b\"}", "no array"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\"," UNTIL ",\"kinds\":[\"*\"]}", "another form"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\"," UNTIL ",\"kinds\":[\"a/*b\"]}", "another form"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\"," UNTIL ",\"members\":[3]}", "another form"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\",\"until\":\"2026-11-28T00:00:00.000Z\"}", "ends before"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\",\"until\":\"2037-01-01T00:00:00.000Z\"}", "ten years"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\",\"from\":\"2026-11-27T23:59:59.999Z\"," UNTIL "}",
         "begins before"},
        {"{\"power\":\"moderate\",\"to\":\"" ORIGIN "\",\"from\":\"2027-01-01T00:00:00.000Z\"," UNTIL "}",
         "ends before"},
        {"{\"revokes\":-1}", "revokes"},
        {"{\"revokes\":\"1\"}", "revokes"},
        {"{\"revokes\":1,\"power\":\"admit\"}", "both gives and revokes"},
        {"{\"revokes\":1,\"because\":\"a\\nb\"}", "control characters"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct arena arena;
        struct cession cession;
        struct err err = {0};
        arena_init(&arena, 1u << 20);
        if (parse(refused[i].body, &arena, &cession, &err) >= 0 || !strstr(err.text, refused[i].wrong))
            fail_msg("%s: \"%s\", expected \"%s\"", refused[i].body, err.text, refused[i].wrong);
        arena_done(&arena);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    struct cession cession;
    struct buf body;
    arena_init(&arena, 1u << 20);
    buf_init(&body, 8192);
    buf_str(&body, "{\"power\":\"moderate\",\"to\":\"" ORIGIN "\"," UNTIL ",\"kinds\":[\"a/b\"");
    for (int i = 0; i < CESSION_SCOPE_MAX; i++)
        buf_str(&body, ",\"a/b\"");
    buf_str(&body, "]}");
    bad(parse(buf_cstr(&body), &arena, &cession, &err), ERR_LIMIT, "33 items, 1 to 32");
    buf_done(&body);
    arena_done(&arena);
}

/* Of a later version: it is shown, and nobody here says such a thing. */
static void a_power_that_is_not_known(void **state)
{
    (void)state;
    struct arena arena;
    struct cession cession;
    struct buf text;
    arena_init(&arena, 1u << 20);
    buf_init(&text, INLINE_MAX);
    good(parse("{\"power\":\"speak\",\"to\":\"" ORIGIN "\"," UNTIL ",\"kinds\":7,\"group\":\"x\"}", &arena, &cession,
               &err));
    assert_int_equal(cession.power, POWER_UNKNOWN);
    assert_string_equal(cession.word, "speak");
    bad(cession_write(&cession, TIME_MS, &text, &err), ERR_SYNTAX, "neither moderate nor admit");
    assert_int_equal(text.len, 0);
    struct cession wrong = {.power = POWER_MODERATE, .to = ORIGIN, .until_ms = TIME_MS};
    bad(cession_write(&wrong, TIME_MS, &text, &err), ERR_SYNTAX, "ends before");
    assert_int_equal(text.len, 0);
    buf_done(&text);
    arena_done(&arena);
}

static bool in_it(void *ctx, struct span group)
{
    return span_is(group, ctx);
}

static void scopes(void **state)
{
    (void)state;
    char group[] = ORIGIN "#desk";
    struct cession all = {0}, some = {.kinds = {"culture/*", "a/b"}, .kind_count = 2}, whose = some;
    whose.members[0] = "two.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    whose.member_count = 1;
    struct cession_case about = {
        .kind = SPAN_LIT("culture/note"), .author = SPAN_LIT(ORIGIN), .in_group = in_it, .ctx = group};
    assert_true(cession_covers(&all, &about));
    assert_true(cession_covers(&some, &about));
    assert_false(cession_covers(&whose, &about));
    whose.members[whose.member_count++] = group;
    assert_true(cession_covers(&whose, &about));
    whose.members[1] = ORIGIN "#other";
    assert_false(cession_covers(&whose, &about));
    static const struct {
        const char *kind;
        bool covered;
    } kinds[] = {{"a/b", true}, {"a/bc", false}, {"a/", false}, {"culture/", false}, {"culture", false}, {"", false}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        about.kind = span_str(kinds[i].kind);
        assert_int_equal(cession_covers(&some, &about), kinds[i].covered);
        assert_true(cession_covers(&all, &about));
    }
}

/* ---- who is in a group ---- */

static struct story story;
static struct town town;

static int begin(void **state)
{
    (void)state;
    story_founding(&story);
    const char *own[] = {story.logs[1].origin};
    grouped(&story.logs[0], "watch", own, 1, TIME_MS);
    return 0;
}

static int end(void **state)
{
    (void)state;
    town_close(&town);
    story_end(&story);
    return 0;
}

static uint64_t said_cession(struct made_log *log, const struct cession *cession, int64_t time_ms)
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    good(cession_write(cession, time_ms, &text, &err));
    uint64_t index = made_raw(log, buf_view(&text));
    buf_done(&text);
    return index;
}

/* Of admitting to logs[0]'s group "watch", by whichever log. */
static uint64_t ceded(struct made_log *log, const char *to, int64_t from_ms, int64_t until_ms)
{
    struct cession cession = {.power = POWER_ADMIT, .group = "watch", .from_ms = from_ms, .until_ms = until_ms};
    snprintf(cession.to, sizeof(cession.to), "%s", to);
    return said_cession(log, &cession, TIME_MS);
}

static void revoked(struct made_log *log, uint64_t index)
{
    struct cession end = {.revokes = true, .index = index, .about = "enough"};
    said_cession(log, &end, TIME_MS);
}

static const char *watch(void)
{
    static char text[GROUP_ADDRESS_MAX + 1];
    snprintf(text, sizeof(text), "%s#watch", story.logs[0].origin);
    return text;
}

/* logs[who] admits one to it. */
static void admitted(size_t who, size_t member, int64_t time_ms)
{
    const char *members[] = {story.logs[member].origin};
    grouped(&story.logs[who], watch(), members, 1, time_ms);
}

static int note(void *ctx, struct span member, int64_t since_ms, struct err *err)
{
    (void)since_ms, (void)err;
    for (size_t i = 0; i < LOGS; i++)
        if (span_is(member, story.logs[i].origin))
            *(unsigned *)ctx |= 1u << i;
    return 0;
}

/* Who is in it, as bits, asked one by one and all at once. */
static unsigned in_watch(int64_t time_ms)
{
    unsigned one_by_one = 0, at_once = 0;
    for (size_t i = 0; i < LOGS; i++) {
        struct span member = span_str(story.logs[i].origin);
        int64_t since_ms;
        bool in = governance_capability.in_group(&town.view, span_str(watch()), member, time_ms);
        assert_int_equal(in, governance_capability.in_group_since(&town.view, member, span_str(watch()), member,
                                                                  time_ms, &since_ms));
        one_by_one |= in ? 1u << i : 0;
    }
    good(governance_capability.each_in_group(&town.view, span_str(watch()), time_ms, note, &at_once, &err));
    assert_int_equal(one_by_one, at_once);
    return at_once;
}

static enum cession_state states[16];

static int note_state(void *ctx, const struct governance_cession *c, struct err *err)
{
    (void)err;
    states[(*(size_t *)ctx)++] = c->state;
    return 0;
}

static enum cession_state state_at(int64_t time_ms)
{
    size_t count = 0;
    good(cessions_each(&town.view, 0, time_ms, note_state, &count, &err));
    assert_int_equal(count, 1);
    return states[0];
}

#define OWN 2u /* logs[1], whom the list itself names */
#define FOUR 16u
#define FIVE 32u

static void from_its_begin_to_its_end(void **state)
{
    (void)state;
    ceded(&story.logs[0], story.logs[2].origin, TIME_MS + 10, END_MS);
    admitted(2, 4, TIME_MS);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS + 9), OWN);
    assert_int_equal(in_watch(TIME_MS + 10), OWN | FOUR);
    assert_int_equal(in_watch(END_MS - 1), OWN | FOUR);
    assert_int_equal(in_watch(END_MS), OWN);
    assert_int_equal(in_watch(INT64_MAX), OWN);
    assert_int_equal(state_at(TIME_MS + 9), CESSION_COMING);
    assert_int_equal(state_at(TIME_MS + 10), CESSION_HOLDS);
    assert_int_equal(state_at(END_MS - 1), CESSION_HOLDS);
    assert_int_equal(state_at(END_MS), CESSION_EXPIRED);
}

/* Since when what is said to the group is for logs[4]. */
static int64_t since(int64_t time_ms)
{
    int64_t since_ms = 0;
    assert_true(governance_in_group_since(&town.view, span_str(story.logs[0].origin), span_str(watch()),
                                          span_str(story.logs[4].origin), time_ms, &since_ms));
    return since_ms;
}

/* What was said to the group before it is not for him: neither before the cession nor before the list. */
static void what_was_said_before(void **state)
{
    (void)state;
    ceded(&story.logs[0], story.logs[2].origin, TIME_MS + 10, END_MS);
    ceded(&story.logs[0], story.logs[3].origin, 0, TIME_MS + 400);
    admitted(2, 4, TIME_MS);
    admitted(2, 5, TIME_MS + 100);
    admitted(2, 4, TIME_MS + 200);
    admitted(3, 4, TIME_MS + 300);
    town_open(&town, &story);
    assert_int_equal(since(TIME_MS + 10), TIME_MS + 10);
    assert_int_equal(since(TIME_MS + 300), TIME_MS + 200);
    assert_int_equal(in_watch(TIME_MS + 100), OWN | FIVE);
}

static void what_comes_later(void **state)
{
    (void)state;
    ceded(&story.logs[0], story.logs[3].origin, 0, END_MS);
    admitted(3, 4, TIME_MS + 300);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS + 299), OWN);
    assert_int_equal(since(TIME_MS + 300), TIME_MS + 300);
}

static void revoked_is_over(void **state)
{
    (void)state;
    revoked(&story.logs[0], ceded(&story.logs[0], story.logs[2].origin, 0, END_MS));
    admitted(2, 4, TIME_MS);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS), OWN);
    assert_int_equal(state_at(TIME_MS), CESSION_REVOKED);
    assert_int_equal(state_at(END_MS), CESSION_REVOKED);
}

/* Only who gave it takes it back, and only behind it. */
static void nobody_else_revokes(void **state)
{
    (void)state;
    revoked(&story.logs[0], story.logs[0].count + 1); /* of what comes next: not said yet */
    uint64_t index = ceded(&story.logs[0], story.logs[2].origin, 0, END_MS);
    while (story.logs[2].count <= index)
        said(&story.logs[2], STATEMENT_JOIN, story.first, NULL, NULL);
    revoked(&story.logs[2], index);
    revoked(&story.logs[2], 0); /* of what is no cession */
    admitted(2, 4, TIME_MS);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS), OWN | FOUR);
    assert_int_equal(state_at(TIME_MS), CESSION_HOLDS);
}

/* Nobody gives what is somebody else's, a power over a group that there is not, or one that is not known. */
static void nobody_gives_what_he_has_not(void **state)
{
    (void)state;
    size_t count = 0;
    ceded(&story.logs[3], story.logs[2].origin, 0, END_MS); /* a group of its own that it does not have */
    admitted(2, 4, TIME_MS);
    admitted(5, 4, TIME_MS); /* nothing is ceded to it */
    made_raw(&story.logs[0],
             SPAN_LIT("tongzhou/1 " CESSION_KIND "\ntime 2026-11-18T13:06:40.000Z\n\n{\"power\":\"rule\","
                      "\"to\":\"" ORIGIN "\"," UNTIL "}"));
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS), OWN);
    good(cessions_each(&town.view, 0, TIME_MS, note_state, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(states[0], CESSION_STRANGE);
    assert_int_equal(states[1], CESSION_EMPTY);
}

static int note_index(void *ctx, const struct governance_cession *c, struct err *err)
{
    (void)err;
    uint64_t **at = ctx;
    *(*at)++ = RECORD_REF_INDEX(c->ref);
    return 0;
}

/* Who cedes much hides neither others nor what he has ceded last. */
static void the_newest_of_each(void **state)
{
    (void)state;
    uint64_t all[16], *end = all, few[16], *at = few;
    for (int i = 0; i < 5; i++)
        ceded(&story.logs[0], story.logs[2].origin, 0, END_MS);
    ceded(&story.logs[3], story.logs[2].origin, 0, END_MS);
    town_open(&town, &story);
    assert_int_equal(cessions_count(&town.view), 6);
    good(cessions_each(&town.view, 0, TIME_MS, note_index, &end, &err));
    assert_int_equal(end - all, 6);
    good(cessions_each_newest(&town.view, 2, TIME_MS, note_index, &at, &err));
    assert_int_equal(at - few, 3);
    bool first = all[0] != all[1] - 1; /* by origin: whose stands first? */
    assert_int_equal(few[first ? 0 : 2], all[first ? 0 : 5]);
    assert_memory_equal(few + first, all + first + 3, 2 * sizeof(few[0]));
}

/* Thousands of them are no work for whoever asks about a group: the last ones count. */
static void the_last_ones_count(void **state)
{
    (void)state;
    ceded(&story.logs[0], story.logs[2].origin, 0, END_MS);
    admitted(2, 4, TIME_MS);
    for (int i = 0; i < CESSIONS_COUNTING - 1; i++)
        ceded(&story.logs[0], story.logs[3].origin, 0, TIME_MS + 1);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS + 5), OWN | FOUR);
    town_close(&town);
    ceded(&story.logs[0], story.logs[3].origin, 0, TIME_MS + 1);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS + 5), OWN);
}

/* A list of that name of its own, one that not everybody may read, one about its own group by address: none admits. */
static void other_lists_admit_nobody(void **state)
{
    (void)state;
    const char *members[] = {story.logs[4].origin};
    struct group group = {.members = members, .count = 1};
    struct buf text;
    ceded(&story.logs[0], story.logs[2].origin, 0, END_MS);
    grouped(&story.logs[2], "watch", members, 1, TIME_MS);
    snprintf(group.name, sizeof(group.name), "%s", watch());
    buf_init(&text, PAYLOAD_MAX);
    bad(group_write(&group, TLP_AMBER, TIME_MS, &text, &err), ERR_SYNTAX, "for everybody to read");
    buf_clear(&text);
    struct record_draft draft = {.kind = GROUP_KIND, .time_ms = TIME_MS, .tlp = TLP_GREEN};
    char body[2 * ORIGIN_MAX + 100];
    snprintf(body, sizeof(body), "{\"name\":\"%s\",\"members\":[\"%s\"]}", watch(), members[0]);
    draft.body = span_str(body);
    good(record_write(&draft, &text, &err));
    made_sealed(&story.logs[2], buf_view(&text), false);
    buf_done(&text);
    grouped(&story.logs[0], watch(), members, 1, TIME_MS);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS), OWN);
}

static void a_group_that_admits(void **state)
{
    (void)state;
    char desk[GROUP_ADDRESS_MAX + 1];
    const char *both[] = {story.logs[2].origin, story.logs[3].origin}, *one[] = {story.logs[3].origin};
    if (strcmp(both[0], both[1]) > 0) {
        both[0] = story.logs[3].origin;
        both[1] = story.logs[2].origin;
    }
    snprintf(desk, sizeof(desk), "%s#desk", story.logs[1].origin);
    ceded(&story.logs[0], desk, 0, END_MS);
    grouped(&story.logs[1], "desk", both, 2, TIME_MS);
    grouped(&story.logs[1], "desk", one, 1, TIME_MS + 100);
    admitted(2, 4, TIME_MS);
    admitted(3, 5, TIME_MS);
    admitted(1, 0, TIME_MS); /* it names the group, and is not in it */
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS + 99), OWN | FOUR | FIVE);
    assert_int_equal(in_watch(TIME_MS + 100), OWN | FIVE);
}

/* To whom admitting is ceded does not cede it; whoever comes into a group by a ceded power has none of what the group was lent. */
static void it_is_not_handed_on(void **state)
{
    (void)state;
    char desk[GROUP_ADDRESS_MAX + 1];
    const char *one[] = {story.logs[2].origin}, *new[] = {story.logs[3].origin};
    snprintf(desk, sizeof(desk), "%s#desk", story.logs[1].origin);
    ceded(&story.logs[0], desk, 0, END_MS);
    grouped(&story.logs[1], "desk", one, 1, TIME_MS);
    ceded(&story.logs[2], story.logs[5].origin, 0, END_MS); /* of a "watch" of its own */
    admitted(5, 4, TIME_MS);
    struct cession desk_too = {.power = POWER_ADMIT, .group = "desk", .until_ms = END_MS};
    snprintf(desk_too.to, sizeof(desk_too.to), "%s", story.logs[5].origin);
    said_cession(&story.logs[1], &desk_too, TIME_MS);
    grouped(&story.logs[5], desk, new, 1, TIME_MS);
    admitted(3, 4, TIME_MS);
    town_open(&town, &story);
    assert_true(governance_in_group(&town.view, span_str(desk), span_str(new[0]), TIME_MS));
    assert_int_equal(in_watch(TIME_MS), OWN);
}

/* Twice and overlapping: one that ends leaves the other. */
static void several(void **state)
{
    (void)state;
    uint64_t first = ceded(&story.logs[0], story.logs[2].origin, 0, END_MS);
    ceded(&story.logs[0], story.logs[2].origin, TIME_MS + 500, END_MS + 500);
    ceded(&story.logs[0], story.logs[3].origin, 0, END_MS);
    revoked(&story.logs[0], first);
    revoked(&story.logs[0], first);
    admitted(2, 4, TIME_MS);
    admitted(3, 4, TIME_MS + 600);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS), OWN);
    assert_int_equal(in_watch(TIME_MS + 500), OWN | FOUR);
    assert_int_equal(in_watch(END_MS + 499), OWN | FOUR);
    assert_int_equal(in_watch(END_MS + 500), OWN);
}

/* The first who hold it count, whoever comes behind them. */
static void a_flood(void **state)
{
    (void)state;
    for (int i = 0; i < 31; i++) {
        char nobody[ORIGIN_MAX + 1];
        snprintf(nobody, sizeof(nobody), "n%d.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", i);
        ceded(&story.logs[0], nobody, 0, END_MS);
    }
    ceded(&story.logs[0], story.logs[2].origin, 0, END_MS);
    ceded(&story.logs[0], story.logs[3].origin, 0, END_MS);
    admitted(2, 4, TIME_MS);
    admitted(3, 5, TIME_MS);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS), OWN | FOUR);
}

/* Lists are replaced, groups end, logs fork, keys are changed. */
static void who_speaks(void **state)
{
    (void)state;
    struct made_log *logs = story.logs;
    made_rotate(&logs[0]);
    ceded(&logs[0], logs[2].origin, 0, END_MS);
    ceded(&logs[0], logs[3].origin, 0, END_MS);
    admitted(2, 4, TIME_MS);
    admitted(3, 5, TIME_MS);
    grouped(&logs[3], watch(), NULL, 0, TIME_MS + 10);
    grouped(&logs[0], "watch", NULL, 0, TIME_MS + 20);
    town_open(&town, &story);
    assert_int_equal(in_watch(TIME_MS), OWN | FOUR | FIVE); /* a key that was changed changes nothing */
    assert_int_equal(in_watch(TIME_MS + 10), OWN | FOUR);
    assert_int_equal(in_watch(TIME_MS + 20), 0);
    freeze(&town.node, &logs[2], logs[2].count);
    good(index_update(town.index, town.node.store, 0, NULL, &err));
    assert_int_equal(in_watch(TIME_MS), OWN | FIVE);
}

/* Another answer is another mark. */
static void marks(void **state)
{
    (void)state;
    struct span group = span_str(watch()), four = span_str(story.logs[4].origin), five = span_str(story.logs[5].origin);
    uint64_t index = ceded(&story.logs[0], story.logs[2].origin, 0, END_MS);
    admitted(2, 4, TIME_MS);
    size_t before = story.logs[0].count;
    revoked(&story.logs[0], index);
    size_t after = story.logs[0].count;
    story.logs[0].count = before;
    town_open(&town, &story);
    uint64_t of_group = governance_audience_mark(&town.view, group),
             of_four = governance_membership_mark(&town.view, four);
    uint64_t of_all = governance_audience_mark(&town.view, (struct span){0});
    uint64_t of_five = governance_membership_mark(&town.view, five);
    story.logs[0].count = after;
    made_feed(&story.logs[0], town.node.store, after, true);
    good(index_update(town.index, town.node.store, 0, NULL, &err));
    assert_true(governance_audience_mark(&town.view, group) != of_group);
    assert_true(governance_audience_mark(&town.view, (struct span){0}) != of_all);
    assert_true(governance_membership_mark(&town.view, four) != of_four);
    assert_true(governance_membership_mark(&town.view, five) == of_five);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_said),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(a_power_that_is_not_known),
        cmocka_unit_test(scopes),
        cmocka_unit_test_setup_teardown(from_its_begin_to_its_end, begin, end),
        cmocka_unit_test_setup_teardown(what_was_said_before, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_later, begin, end),
        cmocka_unit_test_setup_teardown(revoked_is_over, begin, end),
        cmocka_unit_test_setup_teardown(nobody_else_revokes, begin, end),
        cmocka_unit_test_setup_teardown(nobody_gives_what_he_has_not, begin, end),
        cmocka_unit_test_setup_teardown(the_newest_of_each, begin, end),
        cmocka_unit_test_setup_teardown(the_last_ones_count, begin, end),
        cmocka_unit_test_setup_teardown(other_lists_admit_nobody, begin, end),
        cmocka_unit_test_setup_teardown(a_group_that_admits, begin, end),
        cmocka_unit_test_setup_teardown(it_is_not_handed_on, begin, end),
        cmocka_unit_test_setup_teardown(several, begin, end),
        cmocka_unit_test_setup_teardown(a_flood, begin, end),
        cmocka_unit_test_setup_teardown(who_speaks, begin, end),
        cmocka_unit_test_setup_teardown(marks, begin, end),
    };
    return cmocka_run_group_tests_name("governance/cessions", tests, NULL, NULL);
}
