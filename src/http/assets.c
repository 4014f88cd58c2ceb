#include "http/assets.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "http/page.h"

/* The build tells where msgfmt wrote it (rules.mk). */
#ifndef ASSET_MO_ZH_HANS
#define ASSET_MO_ZH_HANS "build/gen/zh-Hans.mo"
#endif

#define EMBED(symbol, file)                                                                                            \
    __asm__(".section .rodata\n"                                                                                       \
            ".balign 8\n"                                                                                              \
            ".hidden " #symbol "_begin\n.globl " #symbol "_begin\n" #symbol "_begin:\n"                                \
            ".incbin \"" file "\"\n"                                                                                   \
            ".hidden " #symbol "_end\n.globl " #symbol "_end\n" #symbol "_end:\n"                                      \
            ".byte 0\n"                                                                                                \
            ".previous\n");                                                                                            \
    extern const uint8_t symbol##_begin[], symbol##_end[]

EMBED(asset_style_css, "web/style.css");
EMBED(asset_app_js, "web/app.js");
EMBED(asset_icon_svg, "web/icon.svg");
EMBED(asset_zh_hans_mo, ASSET_MO_ZH_HANS);

#define ASSET_HASH_BYTES 8

static struct asset {
    const char *name, *type;
    const uint8_t *begin, *end;
    char hash[HEX_LEN(ASSET_HASH_BYTES) + 1];
    char url[64];
} assets[] = {
    {"style.css", "text/css; charset=utf-8", asset_style_css_begin, asset_style_css_end, "", ""},
    {"app.js", "text/javascript; charset=utf-8", asset_app_js_begin, asset_app_js_end, "", ""},
    {"icon.svg", "image/svg+xml", asset_icon_svg_begin, asset_icon_svg_end, "", ""},
};
#define ASSET_COUNT (sizeof(assets) / sizeof(assets[0]))

static size_t distance(const uint8_t *begin, const uint8_t *end)
{
    return (size_t)((uintptr_t)end - (uintptr_t)begin); /* two symbols of one section, two objects to the compiler */
}

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    for (size_t i = 0; i < ASSET_COUNT; i++) {
        uint8_t hash[SHA256_SIZE];
        sha256_once(span_of(assets[i].begin, distance(assets[i].begin, assets[i].end)), hash);
        hex_encode(hash, ASSET_HASH_BYTES, assets[i].hash);
        snprintf(assets[i].url, sizeof(assets[i].url), "/assets/%s?v=%s", assets[i].name, assets[i].hash);
    }
}

static const struct asset *asset_find(struct span name)
{
    (void)pthread_once(&prepared, prepare);
    for (size_t i = 0; i < ASSET_COUNT; i++) {
        if (span_is(name, assets[i].name))
            return &assets[i];
    }
    return NULL;
}

struct span asset_catalogue(const char *lang)
{
    if (strcmp(lang, "zh-Hans") != 0)
        return (struct span){0};
    return span_of(asset_zh_hans_mo_begin, distance(asset_zh_hans_mo_begin, asset_zh_hans_mo_end));
}

const char *asset_url(const char *name)
{
    const struct asset *asset = asset_find(span_str(name));
    assert(asset);
    return asset->url;
}

static int asset_get(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    (void)view;
    (void)err;
    const struct asset *asset = asset_find(request->part[0]);
    if (!asset)
        return http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("There is nothing at this address."));
    buf_add(&reply->body, asset->begin, distance(asset->begin, asset->end));
    reply->content_type = asset->type;
    /* An address with the content's hash never means anything else; one without may after the next update. */
    bool named = span_is(http_query(request, "v"), asset->hash);
    reply->cache_control = named ? "public, max-age=31536000, immutable" : "public, no-cache";
    snprintf(reply->etag, sizeof(reply->etag), "\"%s\"", asset->hash);
    return 0;
}

const struct route asset_routes[] = {
    {HTTP_GET, "/assets/{name}", OUTLET_HTTP_PAGES, asset_get, "style sheet, script and icon of the pages"},
};
const size_t asset_route_count = sizeof(asset_routes) / sizeof(asset_routes[0]);

bool asset_is_route(const struct route *route)
{
    for (size_t i = 0; i < asset_route_count; i++)
        if (route == &asset_routes[i])
            return true;
    return false;
}
