/* The pages over a real store: what the public sees, what it does not, and what becomes of hostile words. */
#include "security/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <ftw.h>
#include <unistd.h>

#include "connect/capability.h"
#include "state/author.h"

const struct capability *const capabilities[] = {&connect_capability, &security_capability, NULL};

#define NOW_MS INT64_C(1795345200000)
#define HOSTILE "<script>alert(1)</script>"

static struct fixture {
    char dir[64];
    struct store *store;
    struct index *index;
    struct log_info own, local;
    struct arena arena;
    struct http_request request;
    struct http_reply reply;
} f;

/* ---- a node with something to show and something to hide ---- */

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s", err->text);
}

static void make_log(const char *name, enum log_role role, struct log_info *ret)
{
    struct err err;
    char recovery[96];
    struct author_new make = {.time_ms = NOW_MS, .role = role, .is_operator = role == LOG_OWN};
    make.succeeds = SPAN_LIT("");
    snprintf(recovery, sizeof(recovery), "%s.recovery", f.dir);
    snprintf(make.profile.name, sizeof(make.profile.name), "%s", name);
    snprintf(make.profile.contact, sizeof(make.profile.contact), "%s", HOSTILE);
    make.profile.class = CLASS_CIVIL;
    make.profile.languages.count = 1;
    snprintf(make.profile.languages.item[0], sizeof(make.profile.languages.item[0]), "zh-Hans");
    if (role == LOG_OWN)
        make.recovery_path = recovery;
    must(author_create(f.store, &make, ret, &err), &err);
    unlink(recovery);
}

static void append_text(const struct log_info *log, struct span text, bool clear)
{
    struct err err;
    uint64_t first;
    struct author_item item = {.text = text, .clear = clear};
    must(author_append(f.store, log->number, &item, 1, NOW_MS, &first, &err), &err);
}

static void append(const struct log_info *log, const char *kind, enum tlp tlp, const char *type, struct span body)
{
    struct err err;
    struct buf text;
    struct record_draft draft = {.kind = kind, .time_ms = NOW_MS, .tlp = tlp, .body = body};
    draft.type = span_str(type);
    draft.lang = SPAN_LIT("");
    buf_init(&text, 1 << 20);
    must(record_write(&draft, &text, &err), &err);
    append_text(log, buf_view(&text), tlp == TLP_CLEAR);
    buf_done(&text);
}

static void append_indicator(const struct log_info *log, enum tlp tlp, const char *domain, const char *name)
{
    char id[STIX_ID_MAX], body[1024];
    stix_indicator_id(span_str(log->origin), IOC_DOMAIN, span_str(domain), id);
    snprintf(body, sizeof(body),
             "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-01T00:00:00.000Z\","
             "\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"%s\",\"pattern_type\":\"stix\","
             "\"pattern\":\"[domain-name:value = '%s']\",\"valid_from\":\"2026-01-01T00:00:00Z\","
             "\"labels\":[\"" HOSTILE "\"],\"x_deep\":{\"a\":[1,{\"b\":null}]}}",
             id, name, domain);
    append(log, STIX_KIND, tlp, STIX_TYPE, span_str(body));
}

enum { PROFILE, HELD_BACK, INDICATOR, NOTE, BINARY, DEMANDING, RECORDS };

static int setup(void **state)
{
    (void)state;
    struct err err;
    struct store_options options = {.create = true};
    uint64_t folded;
    const char *tmp = getenv("TMPDIR");
    snprintf(f.dir, sizeof(f.dir), "%.40s/tongzhou-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f.dir));
    must(store_open(f.dir, &options, &f.store, &err), &err);
    author_allow(f.store);
    make_log("own.example", LOG_OWN, &f.own);
    make_log("local.example", LOG_LOCAL, &f.local);
    append_indicator(&f.own, TLP_AMBER, "held-back.example", "held back");
    append_indicator(&f.own, TLP_CLEAR, "evil.example", HOSTILE "\xE2\x80\xAE");
    append(&f.own, "culture/note", TLP_CLEAR, "text/plain", SPAN_LIT("line one\n" HOSTILE "\n同舟"));
    append(&f.own, "culture/note", TLP_CLEAR, "application/octet-stream", SPAN_LIT("\xFF\x00\x01"));
    append_text(&f.own, SPAN_LIT("tongzhou/1 culture/note\ntime 2026-11-22T11:00:00.000Z\ntlp clear\n!new yes\n\nbody"),
                true);
    append_indicator(&f.local, TLP_CLEAR, "local-only.example", "local only");
    must(index_open(f.dir, &f.index, &err), &err);
    must(index_update(f.index, f.store, 0, &folded, &err), &err);
    must(store_log(f.store, f.own.number, &f.own, &err), &err);
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&f.reply.body);
    arena_done(&f.arena);
    index_close(f.index);
    store_close(f.store);
    return nftw(f.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- asking ---- */

/* Every element that is opened is closed, in order. */
static void check_markup(const char *html)
{
    static const char *const empty[] = {"meta", "link", "img", "input", "br", "!DOCTYPE"};
    char open[64][16];
    size_t depth = 0;
    for (const char *at = strchr(html, '<'); at; at = strchr(at + 1, '<')) {
        char name[16];
        bool closes = at[1] == '/';
        assert_int_equal(sscanf(at + 1 + closes, "%15[!A-Za-z0-9]", name), 1);
        bool is_empty = false;
        for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
            is_empty = is_empty || strcmp(name, empty[i]) == 0;
        if (is_empty)
            continue;
        if (!closes) {
            assert_true(depth < 64);
            strcpy(open[depth++], name);
        } else if (depth == 0 || strcmp(open[--depth], name) != 0) {
            fail_msg("</%s> closes %s before: %.200s", name, depth ? open[depth] : "nothing", at);
        }
    }
    assert_int_equal(depth, 0);
}

static const char *ask_lang(http_handler handler, const char *lang, const char *name, const char *value)
{
    struct err err;
    struct view view;
    f.request.arena = &f.arena;
    f.request.now_ms = NOW_MS;
    f.request.lang = lang;
    f.request.path = SPAN_LIT("/x");
    f.request.method = f.request.body.len > 0 ? HTTP_POST : HTTP_GET;
    f.request.accept = SPAN_LIT("text/html");
    f.request.query_count = name ? 1 : 0;
    if (name)
        f.request.query[0] = (struct http_param){span_str(name), span_str(value)};
    buf_done(&f.reply.body);
    f.reply = (struct http_reply){.fd = -1};
    buf_init(&f.reply.body, 8 << 20);
    enum outlet outlet = handler == page_sweep ? OUTLET_HTTP_SWEEP : OUTLET_HTTP_PAGES;
    must(view_open(f.store, f.index, (struct viewer){.class = VIEWER_PUBLIC}, outlet, &view, &err), &err);
    must(handler(&view, &f.request, &f.reply, &err), &err);
    const char *html = buf_cstr(&f.reply.body);
    if (strncmp(f.reply.content_type, "text/html", 9) == 0) {
        check_markup(html);
        assert_null(strstr(html, "<script>alert"));
        assert_null(strstr(html, "\xE2\x80\xAE"));
    }
    /* Nothing that is not for everybody, on whatever page. */
    assert_null(strstr(html, "held back"));
    assert_null(strstr(html, "local only"));
    assert_null(strstr(html, "local.example/"));
    return html;
}

static void begin(void)
{
    arena_done(&f.arena);
    arena_init(&f.arena, 64 << 20);
    f.request = (struct http_request){.body = SPAN_LIT(""), .content_type = SPAN_LIT("")};
}

static const char *ask(http_handler handler, const char *name, const char *value)
{
    begin();
    return ask_lang(handler, "en", name, value);
}

static const char *ask_record(http_handler handler, const char *lang, unsigned index)
{
    static char number[16];
    struct span origin = span_str(f.own.origin);
    size_t slash = span_find(origin, '/');
    begin();
    snprintf(number, sizeof(number), "%u", index);
    f.request.part[0] = span_sub(origin, 0, slash);
    f.request.part[1] = span_sub(origin, slash + 1, origin.len);
    f.request.part[2] = span_str(number);
    f.request.part_count = 3;
    return ask_lang(handler, lang, NULL, NULL);
}

#define assert_has(html, part)                                                                                         \
    do {                                                                                                               \
        if (!strstr(html, part))                                                                                       \
            fail_msg("\"%s\" is not in %s", part, html);                                                               \
    } while (0)

/* ---- tests ---- */

static void home(void **state)
{
    (void)state;
    const char *html = ask(page_home, NULL, NULL);
    assert_has(html, "<h1><bdi>own.example</bdi></h1>");
    assert_has(html, "<strong>1</strong> <span>member</span>");
    assert_has(html, "<strong>1</strong> <span>reported value</span>");
    assert_has(html, "line one");
    begin();
    assert_has(ask_lang(page_home, "zh-Hans", NULL, NULL), "大家都联系得上吗？");
}

static void members(void **state)
{
    (void)state;
    assert_has(ask(page_members, NULL, NULL), "own.example/");
    assert_has(ask(page_members, "page", "99"), "own.example/");
    const char *html = ask_record(page_member, "en", 0);
    assert_has(html, "&lt;script&gt;alert(1)&lt;/script&gt;");
    assert_has(html, f.own.origin);
    assert_has(html, "civil society");
    begin();
    f.request.part[0] = SPAN_LIT("own.example");
    f.request.part[1] = SPAN_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_has(ask_lang(page_member, "en", NULL, NULL), "This node does not know this member.");
    assert_int_equal(f.reply.status, 404);
}

static void local_logs_are_not_there(void **state)
{
    (void)state;
    struct span origin = span_str(f.local.origin);
    size_t slash = span_find(origin, '/');
    begin();
    f.request.part[0] = span_sub(origin, 0, slash);
    f.request.part[1] = span_sub(origin, slash + 1, origin.len);
    f.request.part[2] = SPAN_LIT("1");
    (void)ask_lang(page_member, "en", NULL, NULL);
    assert_int_equal(f.reply.status, 404);
    (void)ask_lang(page_record, "en", NULL, NULL);
    assert_int_equal(f.reply.status, 404);
    (void)ask_lang(page_record_raw, "en", NULL, NULL);
    assert_int_equal(f.reply.status, 404);
    (void)ask_lang(page_record_proof, "en", NULL, NULL);
    assert_int_equal(f.reply.status, 404);
}

static void records(void **state)
{
    (void)state;
    for (unsigned index = 0; index < RECORDS; index++) {
        (void)ask_record(page_record, "en", index);
        (void)ask_record(page_record, "zh-Hans", index);
        (void)ask_record(page_record_entry, "en", index);
        assert_has(ask_record(page_record_proof, "en", index), "c2sp.org/tlog-proof@v1\nindex ");
    }
    assert_has(ask_record(page_record, "en", NOTE), "line one\n&lt;script&gt;alert(1)&lt;/script&gt;\n同舟");
    assert_has(ask_record(page_record, "en", HELD_BACK),
               "The content of this record is not here, or it is not for you");
    assert_has(ask_record(page_record, "en", BINARY), "Its content is not text");
    assert_has(ask_record(page_record, "en", DEMANDING), "This record demands something");
    assert_has(ask_record(page_record, "en", INDICATOR), "TLP:CLEAR");
    (void)ask_record(page_record, "en", RECORDS);
    assert_int_equal(f.reply.status, 404);
}

static void exact_bytes(void **state)
{
    (void)state;
    const char *raw = ask_record(page_record_raw, "en", NOTE);
    assert_has(raw, "\n\nline one\n" HOSTILE "\n同舟");
    assert_string_equal(f.reply.content_type, "text/plain; charset=utf-8"); /* so that nobody runs it */
    (void)ask_record(page_record_raw, "en", BINARY);
    assert_string_equal(f.reply.content_type, "application/octet-stream");
    (void)ask_record(page_record_raw, "en", HELD_BACK);
    assert_int_equal(f.reply.status, 404);
    assert_has(ask_record(page_record_entry, "en", HELD_BACK), "tongzhou/1 seal\nsha256 ");
}

static void search(void **state)
{
    (void)state;
    assert_has(ask(page_intelligence, NULL, NULL), "1 objects, 1 of them indicators, with 1 different values:");
    assert_has(ask(page_intelligence, "q", "evil.ex"), "/intelligence/value?type=domain&amp;v=evil.example");
    assert_has(ask(page_intelligence_results, "q", "evil.example"), "One result.");
    assert_has(ask(page_intelligence_results, "q", "<i onclick=x>\xE2\x80\xAE"), "Nothing here speaks of <bdi>&lt;i ");
    assert_has(ask(page_intelligence_results, "q", "held-back.example"), "Nothing here speaks of");
    assert_has(ask(page_intelligence_results, "q", "local-only.example"), "Nothing here speaks of");
}

static void values(void **state)
{
    (void)state;
    const char *html = ask(page_intelligence_value, "v", "hxxp://EVIL[.]example");
    assert_has(html, "Nobody here reports this value.");
    html = ask(page_intelligence_value, "v", "EVIL[.]example.");
    assert_has(html, "First reported by ");
    assert_has(html, "One member says so.");
    assert_has(html, "<dt><bdi>pattern</bdi></dt>");
    assert_has(ask(page_intelligence_value, "v", "held-back.example"), "Nobody here reports this value.");
    assert_has(ask(page_intelligence_value, "v", "local-only.example"), "Nobody here reports this value.");
    (void)ask(page_intelligence_value, "v", HOSTILE);
    assert_int_equal(f.reply.status, 400);
    (void)ask(page_intelligence_value, NULL, NULL);
    assert_int_equal(f.reply.status, 400);
}

static void objects(void **state)
{
    (void)state;
    char id[STIX_ID_MAX];
    stix_indicator_id(span_str(f.own.origin), IOC_DOMAIN, SPAN_LIT("evil.example"), id);
    begin();
    f.request.part[0] = span_str(id);
    assert_has(ask_lang(page_intelligence_object, "en", NULL, NULL), "Who reports it");
    stix_indicator_id(span_str(f.own.origin), IOC_DOMAIN, SPAN_LIT("held-back.example"), id);
    begin();
    f.request.part[0] = span_str(id);
    (void)ask_lang(page_intelligence_object, "en", NULL, NULL);
    assert_int_equal(f.reply.status, 404);
}

static const char *sweep_text(const char *text)
{
    begin();
    f.request.body = span_str(text);
    f.request.content_type = SPAN_LIT("text/plain");
    return ask_lang(page_sweep, "en", NULL, NULL);
}

static void sweeps(void **state)
{
    (void)state;
    const char *html = sweep_text("first\nclient asked www.evil.example <b>\xFF\nlast");
    assert_has(html, "One place needs a look.");
    assert_has(html, "Line 2:");
    assert_has(html, "client asked <mark>www.evil.example</mark> &lt;b&gt;\\xFF");
    assert_has(sweep_text("nothing.invalid\n"), "Nothing in it has been reported by anybody here.");
    /* Indicators that are not for the public make no hits for the public, and no count either. */
    assert_has(sweep_text("held-back.example\nlocal-only.example\n"),
               "Nothing in it has been reported by anybody here.");
    (void)sweep_text("\x1f\x8b\x08 compressed");
    assert_int_equal(f.reply.status, 415);
    assert_has(sweep_text("\xff\xfe"
                          "e v i l . e x a m p l e"),
               "UTF-16");
    assert_int_equal(f.reply.status, 415);
}

static void sweeps_forms(void **state)
{
    (void)state;
    begin();
    f.request.content_type = SPAN_LIT("multipart/form-data; boundary=b");
    f.request.body = SPAN_LIT("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"<x>.log\"\r\n\r\n"
                              "evil.example\nevil.example\n\r\n--b--\r\n");
    const char *html = ask_lang(page_sweep, "zh-Hans", NULL, NULL);
    assert_has(html, "有 2 处需要留意。");
    assert_has(html, "<bdi>&lt;x&gt;.log</bdi>");
    f.request.body = SPAN_LIT("--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n");
    (void)ask_lang(page_sweep, "en", NULL, NULL);
    assert_int_equal(f.reply.status, 400);
    f.request.body = SPAN_LIT("--b\r\ncut");
    (void)ask_lang(page_sweep, "en", NULL, NULL);
    assert_int_equal(f.reply.status, 400);
}

/* More hits than fit a page are counted, not shown. */
static void many_hits(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 2000; i++)
        buf_str(&text, "evil.example\n");
    begin();
    f.request.body = buf_view(&text);
    f.request.content_type = SPAN_LIT("text/plain");
    const char *html = ask_lang(page_sweep, "en", NULL, NULL);
    assert_has(html, "2,000 places need a look.");
    assert_has(html, "The first 500 are shown.");
    assert_has(html, "Line 500:");
    assert_null(strstr(html, "Line 501:"));
    buf_done(&text);
}

static void every_type_has_words(void **state)
{
    (void)state;
    begin();
    f.request.lang = "zh-Hans";
    struct page page = {.request = &f.request, .lang = "zh-Hans"};
    for (unsigned type = IOC_NONE + 1; type < IOC_TYPES; type++) {
        const char *words = page_ioc_words(&page, (enum ioc_type)type);
        assert_true(words[0] != '\0');
        assert_string_not_equal(words, ioc_type_word((enum ioc_type)type));
    }
}

#define FLOOD 1001

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

/* Anybody may ask, and one log can be full of them: an answer holds so many, and says where it goes on. */
static void a_flood_of_vulnerabilities(void **state)
{
    static struct author_item items[FLOOD];
    struct buf texts[FLOOD];
    struct err err;
    uint64_t first, folded;
    char after[ORIGIN_MAX + 24], more[ORIGIN_MAX + 64];
    (void)state;
    for (size_t i = 0; i < FLOOD; i++) {
        struct record_draft draft = {.kind = "security/vulnerability", .time_ms = NOW_MS, .tlp = TLP_CLEAR};
        draft.type = SPAN_LIT("application/json");
        draft.body = SPAN_LIT("{\"title\":\"one of many\"}");
        buf_init(&texts[i], 4096);
        must(record_write(&draft, &texts[i], &err), &err);
        items[i] = (struct author_item){.text = buf_view(&texts[i]), .clear = true};
    }
    must(author_append(f.store, f.own.number, items, FLOOD, NOW_MS, &first, &err), &err);
    must(index_update(f.index, f.store, 0, &folded, &err), &err);
    for (size_t i = 0; i < FLOOD; i++)
        buf_done(&texts[i]);
    snprintf(after, sizeof(after), "%s/%llu", f.own.origin, (unsigned long long)first + FLOOD - 2);
    const char *html = ask(page_vulnerabilities, NULL, NULL);
    assert_int_equal(count_of(html, "one of many"), FLOOD - 1);
    assert_has(html, "\"/intelligence/vulnerabilities?after=own.example%2F");
    snprintf(more, sizeof(more), "{\"more\":\"%s\"}\n", after);
    html = ask(route_vulnerabilities, NULL, NULL);
    assert_int_equal(count_of(html, "one of many"), FLOOD - 1);
    assert_has(html, more);
    html = ask(page_vulnerabilities, "after", after);
    assert_int_equal(count_of(html, "one of many"), 1);
    assert_null(strstr(html, "rel=\"next\""));
    html = ask(route_vulnerabilities, "after", after);
    assert_int_equal(count_of(html, "one of many"), 1);
    assert_null(strstr(html, "\"more\""));
    static const char *const others[] = {"",
                                         "/",
                                         "x",
                                         "own.example/x",
                                         "nobody.example/tongzhou/1/5",
                                         "own.example/tongzhou/1/99999999999999999999",
                                         "\xff/1"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_has(ask(route_vulnerabilities, "after", others[i]), more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(home),
        cmocka_unit_test(members),
        cmocka_unit_test(records),
        cmocka_unit_test(exact_bytes),
        cmocka_unit_test(search),
        cmocka_unit_test(values),
        cmocka_unit_test(objects),
        cmocka_unit_test(sweeps),
        cmocka_unit_test(sweeps_forms),
        cmocka_unit_test(many_hits),
        cmocka_unit_test(every_type_has_words),
        cmocka_unit_test(local_logs_are_not_there),
        cmocka_unit_test(a_flood_of_vulnerabilities),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}
