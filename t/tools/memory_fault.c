// Memory that runs out inside one shared object of a program: for LD_PRELOAD, by t/lib/HPKP/Faults.pm.
//
// Every allocation is counted that the object makes: by malloc and what is built on it (operator new, std::string), and
// by nginx's pools where the object itself asks. Those that nginx makes for itself are not. Processes that the program
// forks count on from there. The environment says what is to fail:
//
//     MEMORY_FAULT_OBJECT=NAME   the object, by a part of its file name
//     MEMORY_FAULT_STATE=FILE    two 64-bit numbers that all the processes share: how far any has counted, how many
//     failed MEMORY_FAULT_AT=N          the Nth fails; with MEMORY_FAULT_ON all after it, too MEMORY_FAULT_BELOW=1
//     count what anything makes that the object has called: OpenSSL, SQLite, nginx MEMORY_FAULT_PAGES=N       of memory
//     that the object shares with its children only so many pages can be used:
//                                who touches more dies, as by the kernel when it has none left. Nothing is counted
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc's own names for them: dlsym() would itself allocate.
extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);

enum { kMaxRanges = 64, kMaxFrames = 64 };

struct range {
    uintptr_t begin, end;
    int ours;  // else a library that allocates on somebody's behalf
};

static struct range ranges[kMaxRanges];
static size_t ranges_n;
static const char* object;
static struct {
    uint64_t seen, failed, next;
} * state;
static uint64_t counted, fail_at;
static long pages = -1;
static int fail_on, below, is_busy;

static const char* const transparent[] = {"/libc.so", "/libstdc++.so",   "/libgcc_s.so",
                                          "/libm.so", "/libyaml-cpp.so", "memory_fault.so"};

static int range_of(const void* address)
{
    for (size_t i = 0; i < ranges_n; i++) {
        if ((uintptr_t)address >= ranges[i].begin && (uintptr_t)address < ranges[i].end) {
            return (int)i;
        }
    }
    return -1;
}

// Is it the object that allocates, through whatever library?
static int is_ours(void)
{
    void* frames[kMaxFrames];
    is_busy = 1;
    const int n = backtrace(frames, kMaxFrames);
    is_busy = 0;
    for (int i = 0; i < n; i++) {
        const int range = range_of(frames[i]);
        if (range >= 0 && ranges[range].ours) {
            return 1;
        }
        if (range < 0 && !below) {
            return 0;
        }
    }
    return 0;
}

static int fails(void)
{
    counted++;
    if (counted > state->seen) {
        state->seen = counted;
    }
    const int is_next = state->next != 0 && --state->next == 0;
    if (!is_next && (fail_at == 0 || counted < fail_at || (counted > fail_at && !fail_on))) {
        return 0;
    }
    state->failed++;
    return 1;
}

static int malloc_fails(void)
{
    if (object == NULL || ranges_n == 0 || is_busy || pages >= 0 || !is_ours() || !fails()) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

void* malloc(size_t size)
{
    return malloc_fails() ? NULL : __libc_malloc(size);
}

void* calloc(size_t count, size_t size)
{
    return malloc_fails() ? NULL : __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size)
{
    return malloc_fails() ? NULL : __libc_realloc(memory, size);
}

void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset)
{
    void* memory = (void*)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
    const int range = pages < 0 ? -1 : range_of(__builtin_return_address(0));
    const size_t usable = (size_t)pages * 4096;
    if (memory != MAP_FAILED && range >= 0 && ranges[range].ours && (flags & MAP_SHARED) && usable < size) {
        mprotect((char*)memory + usable, size - usable, PROT_NONE);
    }
    return memory;
}

// nginx's functions that return NULL where they have no memory. They are in the program, where no preloaded library
// stands in front of them: so the object's references to them are changed, once it is there.
#define POOL_FUNCTIONS(X)                                                                                              \
    X(ngx_palloc)                                                                                                      \
    X(ngx_pcalloc)                                                                                                     \
    X(ngx_pnalloc)                                                                                                     \
    X(ngx_array_create)                                                                                                \
    X(ngx_array_push)                                                                                                  \
    X(ngx_list_push)                                                                                                   \
    X(ngx_pool_cleanup_add)                                                                                            \
    X(ngx_http_add_variable)

#define WRAPPER(name)                                                                                                  \
    static void* (*real_##name)(void*, size_t, size_t);                                                                \
    static void* wrapped_##name(void* a, size_t b, size_t c)                                                           \
    {                                                                                                                  \
        return fails() ? NULL : real_##name(a, b, c);                                                                  \
    }
POOL_FUNCTIONS(WRAPPER)

static void* wrapper_of(const char* name, void* real)
{
#define CHOOSE(function)                                                                                               \
    if (strcmp(name, #function) == 0) {                                                                                \
        *(void**)&real_##function = real;                                                                              \
        return (void*)wrapped_##function;                                                                              \
    }
    POOL_FUNCTIONS(CHOOSE)
    return NULL;
}

static void wrap_references(const ElfW(Rela) * from, size_t bytes, const ElfW(Sym) * symbols, const char* names,
                            uintptr_t base)
{
    for (const ElfW(Rela)* r = from; r < from + bytes / sizeof(*r); r++) {
        const char* name = names + symbols[ELF64_R_SYM(r->r_info)].st_name;
        void** place = (void**)(base + r->r_offset);
        if (strncmp(name, "ngx_", 4) != 0 || range_of(*place) >= 0) {
            continue;  // a second look finds them wrapped
        }
        void* wrapper = wrapper_of(name, *place);
        if (wrapper != NULL) {
            mprotect((void*)((uintptr_t)place & ~(uintptr_t)4095), 4096, PROT_READ | PROT_WRITE);
            *place = wrapper;
        }
    }
}

static void wrap_pools(const struct dl_phdr_info* info, const ElfW(Dyn) * dynamic)
{
    const ElfW(Rela)* calls = NULL, *others = NULL;
    const ElfW(Sym)* symbols = NULL;
    const char* names = NULL;
    size_t calls_bytes = 0, others_bytes = 0;
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        switch (dynamic->d_tag) {
        case DT_JMPREL:
            calls = (const void*)dynamic->d_un.d_ptr;
            break;
        case DT_PLTRELSZ:
            calls_bytes = dynamic->d_un.d_val;
            break;
        case DT_RELA:
            others = (const void*)dynamic->d_un.d_ptr;
            break;
        case DT_RELASZ:
            others_bytes = dynamic->d_un.d_val;
            break;
        case DT_SYMTAB:
            symbols = (const void*)dynamic->d_un.d_ptr;
            break;
        case DT_STRTAB:
            names = (const void*)dynamic->d_un.d_ptr;
            break;
        }
    }
    wrap_references(calls, calls_bytes, symbols, names, info->dlpi_addr);
    wrap_references(others, others_bytes, symbols, names, info->dlpi_addr);
}

static int look_at(struct dl_phdr_info* info, size_t size, void* data)
{
    (void)size;
    (void)data;
    const int ours = strstr(info->dlpi_name, object) != NULL;
    int wanted = ours;
    for (size_t i = 0; i < sizeof(transparent) / sizeof(*transparent); i++) {
        wanted = wanted || strstr(info->dlpi_name, transparent[i]) != NULL;
    }
    const ElfW(Dyn)* dynamic = NULL;
    for (int i = 0; wanted && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr)* part = &info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) && ranges_n < kMaxRanges) {
            ranges[ranges_n++] = (struct range){begin, begin + part->p_memsz, ours};
        }
        if (part->p_type == PT_DYNAMIC) {
            dynamic = (const void*)begin;
        }
    }
    if (ours && dynamic != NULL) {
        wrap_pools(info, dynamic);
    }
    return 0;
}

void* dlopen(const char* name, int flags)
{
    static void* (*real)(const char*, int);
    if (real == NULL) {
        *(void**)&real = dlsym(RTLD_NEXT, "dlopen");
    }
    void* handle = real(name, flags);
    if (object != NULL && name != NULL && strstr(name, object) != NULL) {
        ranges_n = 0;
        dl_iterate_phdr(look_at, NULL);
    }
    return handle;
}

static long number(const char* name, long otherwise)
{
    const char* text = getenv(name);
    return text == NULL ? otherwise : atol(text);
}

__attribute__((constructor)) static void begin(void)
{
    const char* file = getenv("MEMORY_FAULT_STATE");
    const int fd = file == NULL ? -1 : open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof(*state)) != 0) {
        return;
    }
    state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (state == MAP_FAILED) {
        return;
    }
    fail_at = (uint64_t)number("MEMORY_FAULT_AT", 0);
    fail_on = number("MEMORY_FAULT_ON", 0) != 0;
    below = number("MEMORY_FAULT_BELOW", 0) != 0;
    pages = number("MEMORY_FAULT_PAGES", -1);
    void* frame;
    backtrace(&frame, 1);  // its first call loads a library
    object = getenv("MEMORY_FAULT_OBJECT");
}
