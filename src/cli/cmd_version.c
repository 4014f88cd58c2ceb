/* tongzhou version: of the program, the formats it speaks and the libraries it stands on. */
#include <archive.h>
#include <cjose/version.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <qrencode.h>
#include <sodium.h>
#include <sqlite3.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "state/store.h"

static int run(struct invocation *inv)
{
    (void)inv;
    printf("tongzhou %s\n", TONGZHOU_VERSION);
    printf("records tongzhou/1, folder format %d\n", STORE_FORMAT);
    printf("sqlite/%s libsodium/%s libmicrohttpd/%s cjose/%s libqrencode/%s\n%s\n%s\n", sqlite3_libversion(),
           sodium_version_string(), MHD_get_version(), cjose_version(), QRcode_APIVersionString(),
           archive_version_details(), curl_version());
    return EXIT_DONE;
}

const struct command cmd_version = {
    .name = "version",
    .arguments = "",
    .summary = "Print the version of the program and of what it stands on",
    .max_args = 0,
    .run = run,
};
