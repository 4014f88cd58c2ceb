/*
 * Logs to measure with: deterministic, of any size, with a known number of indicators planted.
 *
 *   gen_logs dns|apache|json|zeek BYTES PLANTED INDICATORS.txt SEED [--expect FILE] > LOG
 *
 * Everything that is not planted is benign by construction: a name is checked against the list suffix by suffix, an
 * address against all prefixes, by a look-up of this program's own. Part of the benign names is hard on purpose:
 * neighbours of indicators under the same parent, and indicators with something glued to either end (what makes
 * `grep -F` report 98 % false lines). FILE receives "LINE<TAB>VALUE" for each planted line.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/sweep.h"

#define POOL 100000 /* popular benign names */

struct list {
    char **values;
    size_t count, cap;
};

static struct {
    struct list of_type[IOC_TYPES];
    char **table; /* all values, open addressing */
    size_t mask, used;
    uint64_t state; /* of the random numbers */
    struct list pool;
    FILE *expect;
    uint64_t line, bytes;
} gen;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "gen_logs: %s: %s\n", what, why);
    exit(2);
}

/* splitmix64 */
static uint64_t next(void)
{
    uint64_t z = gen.state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    return (unsigned)((next() >> 32) * n >> 32);
}

static bool chance(unsigned percent)
{
    return below(100) < percent;
}

/* ---- the list ---- */

static void list_add(struct list *list, const char *text, size_t len)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 1024;
        list->values = realloc(list->values, list->cap * sizeof(*list->values));
    }
    if (!list->values || !(list->values[list->count++] = strndup(text, len)))
        die("list", "no memory");
}

static size_t slot_of(const char *text, size_t len)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    size_t slot = (size_t)(sum ^ sum >> 32) & gen.mask;
    while (gen.table[slot] && (strncmp(gen.table[slot], text, len) != 0 || gen.table[slot][len]))
        slot = (slot + 1) & gen.mask;
    return slot;
}

static bool listed(const char *text)
{
    return gen.table[slot_of(text, strlen(text))] != NULL;
}

static void table_grow(size_t size)
{
    char **old = gen.table;
    size_t old_size = old ? gen.mask + 1 : 0;
    gen.table = calloc(size, sizeof(*gen.table));
    gen.mask = size - 1;
    if (!gen.table)
        die("list", "no memory");
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            gen.table[slot_of(old[i], strlen(old[i]))] = old[i];
    free(old);
}

static void list_indicator(enum ioc_type type, struct span value)
{
    size_t slot = slot_of((const char *)value.data, value.len);
    if (gen.table[slot])
        return;
    struct list *list = &gen.of_type[type];
    list_add(list, (const char *)value.data, value.len);
    gen.table[slot] = list->values[list->count - 1];
    if (2 * ++gen.used > gen.mask)
        table_grow(2 * (gen.mask + 1));
}

static void read_list(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    struct buf value;
    struct err err;
    if (!file)
        die(path, strerror(errno));
    buf_init(&value, SWEEP_TOKEN_MAX);
    table_grow(1 << 16);
    for (ssize_t len; (len = getline(&line, &cap, file)) >= 0;) {
        enum ioc_type type;
        struct span text = span_sub(span_of(line, (size_t)len), 0, span_find(span_of(line, (size_t)len), '#'));
        if (ioc_canonical(IOC_NONE, text, &value, &type, &err) == 0)
            list_indicator(type, buf_view(&value));
    }
    buf_done(&value);
    free(line);
    fclose(file);
}

/* ---- what is benign ---- */

/* Is the name, or one above it, on the list? Also as a URL's or an e-mail address's host it would be harmless. */
static bool name_listed(const char *name)
{
    for (const char *p = name; p; p = strchr(p, '.') ? strchr(p, '.') + 1 : NULL)
        if (listed(p))
            return true;
    return false;
}

static bool address_listed(unsigned address)
{
    char text[32];
    for (unsigned bits = 32; bits > 0; bits--) {
        unsigned a = address & (UINT32_MAX << (32 - bits));
        int len = snprintf(text, sizeof(text), "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
        if (bits < 32)
            snprintf(text + len, sizeof(text) - (size_t)len, "/%u", bits);
        if (listed(text))
            return true;
    }
    return false;
}

static const char *one_of(const char *const *words, unsigned count)
{
    return words[below(count)];
}
#define ONE_OF(words) one_of(words, sizeof(words) / sizeof(words[0]))

static const char *const syllables[] = {"ba",  "con", "da", "el",  "for", "ga", "hil", "in", "jo", "ka",  "lu", "ma",
                                        "net", "or",  "pa", "qui", "ra",  "so", "ta",  "un", "vi", "wes", "xi", "zo"};
static const char *const zones[] = {"com",    "com", "com", "com", "net", "org", "de",  "co.uk", "fr", "cn",
                                    "com.br", "io",  "ru",  "it",  "nl",  "edu", "gov", "co.jp", "pl", "in"};
static const char *const hosts[] = {"www", "api", "cdn", "mail", "img", "static", "login", "m", "ns1", "assets"};
static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/118.0", "curl/7.88.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"};

static void word(char *out, size_t size)
{
    size_t len = 0;
    for (unsigned n = 2 + below(3); n > 0; n--)
        len += (size_t)snprintf(out + len, size - len, "%s", ONE_OF(syllables));
}

static void popular_name(char *out, size_t size)
{
    char label[32];
    do {
        word(label, sizeof(label));
        if (chance(70))
            snprintf(out, size, "%s.%s%u.%s", ONE_OF(hosts), label, below(1000), ONE_OF(zones));
        else
            snprintf(out, size, "%s%u.%s", label, below(1000), ONE_OF(zones));
    } while (name_listed(out));
}

static const char *random_of(const struct list *list)
{
    return list->values[below((unsigned)list->count)];
}

/* A name that looks like an indicator and is none. */
static bool hard_name(char *out, size_t size)
{
    const struct list *names = &gen.of_type[IOC_DOMAIN];
    if (names->count == 0)
        return false;
    const char *name = random_of(names), *parent = strchr(name, '.') + 1;
    if (strlen(name) > 200)
        return false;
    unsigned kind = below(8);
    if (kind == 0)
        snprintf(out, size, "not%s", name);
    else if (kind == 1)
        snprintf(out, size, "%s.example", name);
    else if (!strchr(parent, '.'))
        return false;
    else
        snprintf(out, size, "q%x.%s", below(1u << 20), parent);
    return !name_listed(out);
}

static void benign_name(char *out, size_t size)
{
    if (chance(6) && hard_name(out, size))
        return;
    /* A few names make most of the traffic. */
    double u = (double)(next() >> 11) / 9007199254740992.0;
    const char *name = gen.pool.values[(size_t)(u * u * u * (double)gen.pool.count)];
    if (!chance(15)) {
        snprintf(out, size, "%s", name);
        return;
    }
    do
        snprintf(out, size, "e%08x.%s", below(UINT32_MAX), name);
    while (name_listed(out));
}

static void benign_address(char *out, size_t size)
{
    unsigned address;
    do
        address = (1 + below(222)) << 24 | below(1u << 24);
    while (address_listed(address));
    snprintf(out, size, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

static void local_address(char *out, size_t size)
{
    unsigned address;
    do
        address = 10u << 24 | below(4) << 16 | below(256) << 8 | (1 + below(254));
    while (address_listed(address));
    snprintf(out, size, "10.%u.%u.%u", address >> 16 & 255, address >> 8 & 255, address & 255);
}

static void benign_path(char *out, size_t size)
{
    static const char *const folders[] = {"products", "img", "articles/2026", "api/v2", "wp-content/uploads", "search"};
    static const char *const ends[] = {".html", ".php", ".png", "", "?page=3&sort=asc", ".js"};
    char name[32];
    do {
        word(name, sizeof(name));
        snprintf(out, size, "/%s/%s%u%s", ONE_OF(folders), name, below(100000), ONE_OF(ends));
    } while (listed(out));
}

/* ---- lines ---- */

/* What a line says; planting overwrites one of them. */
struct scene {
    char name[512], address[64], client[64], path[1024], referer[SWEEP_TOKEN_MAX + 16];
};

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vprintf(format, args);
    va_end(args);
    if (len < 0)
        die("output", strerror(errno));
    gen.bytes += (uint64_t)len;
}

static void line_dns(const struct scene *s, unsigned second, unsigned ms)
{
    print("22-Nov-2026 %02u:%02u:%02u.%03u queries: info: client @0x7f%010llx %s#%u (%s): query: %s IN %s +E(0)K "
          "(10.0.0.53)\n",
          second / 3600 % 24, second / 60 % 60, second % 60, ms, (unsigned long long)(next() & 0xfffffffff8), s->client,
          1024 + below(64000), s->name, s->name, chance(30) ? "AAAA" : "A");
}

static void line_apache(const struct scene *s, unsigned second, unsigned ms)
{
    print("%s - - [22/Nov/2026:%02u:%02u:%02u +0000] \"%s %s HTTP/1.1\" %u %u \"%s\" \"%s\"\n", s->address,
          second / 3600 % 24, second / 60 % 60, second % 60, ms % 5 ? "GET" : "POST", s->path, ms % 9 ? 200 : 404,
          below(100000), s->referer, ONE_OF(agents));
}

static void line_json(const struct scene *s, unsigned second, unsigned ms)
{
    char escaped[2 * sizeof(s->referer)];
    size_t len = 0;
    for (const char *p = s->referer; *p; p++) {
        if (*p == '/' || *p == '"')
            escaped[len++] = '\\';
        escaped[len++] = *p;
    }
    escaped[len] = 0;
    print("{\"timestamp\":\"2026-11-22T%02u:%02u:%02u.%03u000+0000\",\"flow_id\":%llu,\"in_iface\":\"eth0\","
          "\"event_type\":\"http\",\"src_ip\":\"%s\",\"src_port\":%u,\"dest_ip\":\"%s\",\"dest_port\":80,"
          "\"proto\":\"TCP\",\"http\":{\"hostname\":\"%s\",\"url\":\"%s\",\"http_user_agent\":\"%s\","
          "\"http_refer\":\"%s\",\"http_method\":\"GET\",\"status\":200,\"length\":%u}}\n",
          second / 3600 % 24, second / 60 % 60, second % 60, ms, (unsigned long long)(next() >> 12), s->client,
          1024 + below(64000), s->address, s->name, s->path, ONE_OF(agents), escaped, below(100000));
}

static void line_zeek(const struct scene *s, unsigned second, unsigned ms)
{
    print(
        "%u.%03u%03u\tC%013llx\t%s\t%u\t10.0.0.53\t53\tudp\t%u\t0.0%05u\t%s\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\t"
        "T\t0\t%s\t%u.000000\tF\n",
        1795340066 + second, ms, below(1000), (unsigned long long)(next() >> 12), s->client, 1024 + below(64000),
        below(65536), below(100000), s->name, s->address, below(3600));
}

typedef void (*line_fn)(const struct scene *scene, unsigned second, unsigned ms);

static void fill_scene(struct scene *s)
{
    char path[256];
    benign_name(s->name, sizeof(s->name));
    benign_address(s->address, sizeof(s->address));
    local_address(s->client, sizeof(s->client));
    benign_path(s->path, sizeof(s->path));
    benign_path(path, sizeof(path));
    snprintf(s->referer, sizeof(s->referer), "https://%s%s", s->name, path);
}

/* A name under a listed one, or it itself; either way the listed one is the longest match. */
static const char *plant_name(char *out, size_t size)
{
    const char *name = random_of(&gen.of_type[IOC_DOMAIN]);
    snprintf(out, size, "%s", name);
    if (chance(50) && strlen(name) < 200) {
        snprintf(out, size, "h%x.%s", below(1u << 24), name);
        if (listed(out))
            snprintf(out, size, "%s", name);
    }
    if (chance(20))
        for (char *p = out; *p; p++)
            if (*p >= 'a' && *p <= 'z' && chance(50))
                *p = (char)(*p - 32);
    return name;
}

/* A URL is more specific than an address with a port: http://1.2.3.4:443/ is reported as the URL 1.2.3.4/. */
static bool hides_port(const char *value)
{
    char url[64];
    const char *colon = strchr(value, ':');
    bool standard = strcmp(colon, ":80") == 0 || strcmp(colon, ":443") == 0;
    snprintf(url, sizeof(url), "%.*s/", standard ? (int)(colon - value) : (int)strlen(value), value);
    return listed(url);
}

/* A URL whose path is an indicator of its own, or ends with another listed URL, would be two hits. */
static bool holds_another(const char *value)
{
    const char *slash = strchr(value, '/');
    bool found = slash && listed(slash);
    for (; slash && !found; slash = strchr(slash + 1, '/'))
        found = listed(slash + 1);
    return found;
}

/* Types that a kind of log can show: d name, a address, u URL, p port, t path. */
static const char *plant(struct scene *s, const char *can)
{
    static const struct {
        char letter;
        enum ioc_type type;
    } letters[] = {{'d', IOC_DOMAIN}, {'a', IOC_IPV4}, {'u', IOC_URL}, {'p', IOC_IPV4_PORT}, {'t', IOC_URL_PATH}};
    for (;;) {
        unsigned pick = below(5);
        const struct list *list = &gen.of_type[letters[pick].type];
        if (!strchr(can, letters[pick].letter) || list->count == 0)
            continue;
        const char *value = random_of(list);
        switch (letters[pick].type) {
        case IOC_DOMAIN:
            return plant_name(s->name, sizeof(s->name));
        case IOC_IPV4:
            if (strchr(value, '/'))
                continue;
            snprintf(s->address, sizeof(s->address), "%s", value);
            return value;
        case IOC_URL_PATH:
            if (strlen(value) >= sizeof(s->path))
                continue;
            snprintf(s->path, sizeof(s->path), "%s", value);
            return value;
        default:
            if (letters[pick].type == IOC_IPV4_PORT ? hides_port(value) : holds_another(value))
                continue;
            snprintf(s->referer, sizeof(s->referer), "http://%s%s", value, letters[pick].type == IOC_URL ? "" : "/");
            return value;
        }
    }
}

static const struct {
    const char *name, *can;
    line_fn line;
} kinds[] = {
    {"dns", "d", line_dns}, {"apache", "aupt", line_apache}, {"json", "daupt", line_json}, {"zeek", "da", line_zeek}};

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void generate(line_fn line, const char *can, uint64_t bytes, size_t planted)
{
    uint64_t *places = calloc(planted + 1, sizeof(*places));
    struct scene scene;
    if (!places)
        die("memory", "none");
    for (size_t i = 0; i < planted; i++)
        places[i] = next() % bytes;
    qsort(places, planted, sizeof(*places), compare_u64);
    for (size_t done = 0; gen.bytes < bytes || done < planted;) {
        gen.line++;
        fill_scene(&scene);
        if (done < planted && gen.bytes >= places[done]) {
            const char *value = plant(&scene, can);
            if (gen.expect)
                fprintf(gen.expect, "%llu\t%s\n", (unsigned long long)gen.line, value);
            done++;
        }
        line(&scene, (unsigned)(gen.line / 800), (unsigned)(gen.line % 1000));
    }
    free(places);
}

int main(int argc, char **argv)
{
    bool expect = argc == 8 && strcmp(argv[6], "--expect") == 0;
    if (argc != 6 && !expect)
        die("usage", "gen_logs dns|apache|json|zeek BYTES PLANTED INDICATORS.txt SEED [--expect FILE]");
    if (expect && !(gen.expect = fopen(argv[7], "w")))
        die(argv[7], strerror(errno));
    gen.state = strtoull(argv[5], NULL, 10);
    read_list(argv[4]);
    for (unsigned i = 0; i < POOL; i++) {
        char name[256];
        popular_name(name, sizeof(name));
        list_add(&gen.pool, name, strlen(name));
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        generate(kinds[i].line, kinds[i].can, strtoull(argv[2], NULL, 10), (size_t)strtoull(argv[3], NULL, 10));
        return fflush(stdout) != 0 || (gen.expect && fclose(gen.expect) != 0);
    }
    die(argv[1], "not dns, apache, json or zeek");
}
