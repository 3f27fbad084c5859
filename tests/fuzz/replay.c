/* SPDX-License-Identifier: Apache-2.0 */
/* replay: feeds every file of the folders named to a fuzz target, once.
 *
 * Stands in for libFuzzer's main, so that the committed corpus is an ordinary test
 * for any compiler. Each input lies in a heap block of exactly its size: a read past
 * the end is the sanitizer's to see. An empty input is always fed first.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Returns 0, or 1 if the file could not be read. */
static int
feed_file(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rb");

    if (file == NULL || fstat(fileno(file), &status) != 0) {
        perror(path);
        if (file != NULL) {
            fclose(file);
        }
        return 1;
    }
    size_t len = (size_t)status.st_size;
    uint8_t *data = malloc(len > 0 ? len : 1);

    if (data == NULL || fread(data, 1, len, file) != len) {
        fprintf(stderr, "%s: could not read %zu bytes\n", path, len);
        free(data);
        fclose(file);
        return 1;
    }
    fclose(file);
    /* Named beforehand: after a crash this is the last line. */
    fprintf(stderr, "%s: %zu bytes\n", path, len);
    LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 0;
}

/* Returns how many files were fed, or -1. */
static int
feed_folder(const char *folder)
{
    int n_fed = 0;
    DIR *dir = opendir(folder);

    if (dir == NULL) {
        perror(folder);
        return -1;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];

        if (entry->d_name[0] == '.') {
            continue;
        }
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (len < 0 || (size_t)len >= sizeof(path) || feed_file(path) != 0) {
            closedir(dir);
            return -1;
        }
        n_fed++;
    }
    closedir(dir);
    return n_fed;
}

int
main(int argc, char **argv)
{
    int n_fed = 0;
    uint8_t *nothing = calloc(1, 1);

    if (nothing == NULL) {
        return 1;
    }
    LLVMFuzzerTestOneInput(nothing, 0);
    free(nothing);
    for (int i = 1; i < argc; i++) {
        int n = feed_folder(argv[i]);

        if (n < 0) {
            return 1;
        }
        n_fed += n;
    }
    if (n_fed == 0) {
        fprintf(stderr, "no inputs: is the corpus there?\n");
        return 1;
    }
    return 0;
}
