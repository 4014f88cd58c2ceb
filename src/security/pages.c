#include "security/pages.h"

const char *page_ioc_words(const struct page *page, enum ioc_type type)
{
    static const char *const words[IOC_TYPES] = {
        [IOC_NONE] = "",
        [IOC_IPV4] = TR_MARK("IPv4 address"),
        [IOC_IPV6] = TR_MARK("IPv6 address"),
        [IOC_DOMAIN] = TR_MARK("domain name"),
        [IOC_URL] = TR_MARK("web address"),
        [IOC_MD5] = TR_MARK("MD5 of a file"),
        [IOC_SHA1] = TR_MARK("SHA-1 of a file"),
        [IOC_SHA256] = TR_MARK("SHA-256 of a file"),
        [IOC_SHA512] = TR_MARK("SHA-512 of a file"),
        [IOC_EMAIL] = TR_MARK("e-mail address"),
        [IOC_IPV4_PORT] = TR_MARK("IPv4 address and port"),
        [IOC_URL_PATH] = TR_MARK("path of a web address"),
    };
    if ((unsigned)type >= sizeof(words) / sizeof(words[0]))
        return "";
    return words[type] ? page_text(page, words[type]) : ioc_type_word(type);
}

void page_stix_type(struct page *page, struct span type)
{
    static const struct {
        const char *type, *words;
    } known[] = {
        {"indicator", TR_MARK("indicator")},
        {"malware", TR_MARK("malware")},
        {"attack-pattern", TR_MARK("attack technique")},
        {"campaign", TR_MARK("campaign")},
        {"course-of-action", TR_MARK("countermeasure")},
        {"grouping", TR_MARK("collection")},
        {"identity", TR_MARK("identity")},
        {"infrastructure", TR_MARK("infrastructure")},
        {"intrusion-set", TR_MARK("group of attackers")},
        {"marking-definition", TR_MARK("marking")},
        {"note", TR_MARK("note")},
        {"relationship", TR_MARK("relationship")},
        {"report", TR_MARK("report")},
        {"sighting", TR_MARK("sighting")},
        {"threat-actor", TR_MARK("attacker")},
        {"tool", TR_MARK("tool")},
        {"vulnerability", TR_MARK("vulnerability")},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (span_is(type, known[i].type)) {
            page_say(page, known[i].words);
            return;
        }
    }
    page_raw(page, "<code>");
    page_esc(page, type);
    page_raw(page, "</code>");
}

void page_value_link(struct page *page, enum ioc_type type, struct span value)
{
    page_raw(page, "<a class=\"value\" href=\"/intelligence/value?type=");
    page_raw(page, ioc_type_word(type));
    page_raw(page, "&amp;v=");
    page_url(page, value);
    page_raw(page, "\">");
    page_bdi(page, value);
    page_raw(page, "</a>");
}

/* ---- rows ---- */

static const char *keep_text(struct arena *arena, const char *text)
{
    return text ? arena_strz(arena, span_str(text)) : "";
}

int intel_rows_keep(void *ctx, const struct intel_row *row, struct err *err)
{
    struct intel_rows *rows = ctx;
    if (rows->count == rows->max) {
        rows->more = true;
        return 0;
    }
    if (!rows->rows) {
        rows->rows = arena_array(rows->arena, rows->max, sizeof(*rows->rows));
        if (!rows->rows)
            return err_memory(err);
    }
    struct intel_row kept = *row;
    kept.origin = keep_text(rows->arena, row->origin);
    kept.stix_type = keep_text(rows->arena, row->stix_type);
    kept.stix_id = keep_text(rows->arena, row->stix_id);
    kept.name = keep_text(rows->arena, row->name);
    kept.value = keep_text(rows->arena, row->value);
    if (!kept.origin || !kept.stix_type || !kept.stix_id || !kept.name || !kept.value)
        return err_memory(err);
    rows->rows[rows->count++] = kept;
    return 0;
}

const struct route security_page_routes[SECURITY_PAGE_ROUTES] = {
    {HTTP_GET, "/intelligence", OUTLET_HTTP_SEARCH, page_intelligence, "search in all threat intelligence"},
    {HTTP_GET, "/intelligence/results", OUTLET_HTTP_SEARCH, page_intelligence_results,
     "the results alone, for search as one types"},
    {HTTP_GET, "/intelligence/value", OUTLET_HTTP_PAGES, page_intelligence_value,
     "an indicator's value: who says what of it"},
    {HTTP_GET, "/intelligence/object/{id}", OUTLET_HTTP_PAGES, page_intelligence_object,
     "a STIX object: who says it, and what"},
    {HTTP_GET, "/intelligence/vulnerabilities", OUTLET_HTTP_PAGES, page_vulnerabilities,
     "vulnerabilities: by when they open, for how long they were withheld"},
    {HTTP_GET, "/api/vulnerabilities", OUTLET_HTTP_PAGES, route_vulnerabilities, "the same, a JSON object a line"},
    {HTTP_GET, "/home/intelligence", OUTLET_HTTP_PAGES, page_intelligence_home, "how much there is, for Home"},
    {HTTP_POST, "/sweep", OUTLET_HTTP_SWEEP, page_sweep, "look for indicators in a file that is sent along"},
};
const size_t security_page_route_count = sizeof(security_page_routes) / sizeof(security_page_routes[0]);
