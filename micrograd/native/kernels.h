/* What the C of a compiled program builds on. `real` is double or float. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>
#undef I

typedef ptrdiff_t idx;

/* Where arrays are, of `sizes[i][0]` numbers, or so many for each of n samples, in memory
   that is freed with the result; each begins with a cache line. NULL if there is none. */
#define LINE 64
static real **places(const idx sizes[][2], idx count, idx n) {
    size_t room = (size_t)count * sizeof(real *) + LINE;
    for (idx i = 0; i < count; i++)
        room += (size_t)(sizes[i][0] * (sizes[i][1] ? n : 1)) * sizeof(real) + LINE;
    real **const v = malloc(room);
    if (!v) return NULL;
    uintptr_t next = (uintptr_t)(v + count);
    for (idx i = 0; i < count; i++) {
        next = (next + LINE - 1) & ~(uintptr_t)(LINE - 1);
        v[i] = (real *)next;
        next += (size_t)(sizes[i][0] * (sizes[i][1] ? n : 1)) * sizeof(real);
    }
    return v;
}

/* Of what is called often: to compile it at each call would take long. */
#define SHARED static __attribute__((noinline))

/* Of a program's functions: nothing but calls, so to improve them takes long and gives nothing. */
#if defined(__GNUC__) && !defined(__clang__)
#define CALLS __attribute__((optimize("O0")))
#else
#define CALLS
#endif

/* Before a loop whose turns do not depend on each other, or that adds up `total`. */

#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif
#define ADDING _Pragma("omp simd reduction(+ : total)")

/* glibc has these for whole vectors, right to 4 units in the last place. */

#if defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && defined(__x86_64__)
#define SIMD __attribute__((simd("notinbranch")))
#define VECTOR(name) SIMD double(name)(double); SIMD float(name##f)(float);
VECTOR(exp) VECTOR(log) VECTOR(sin) VECTOR(cos)
SIMD double(pow)(double, double); SIMD float(powf)(float, float);
#if __GLIBC_PREREQ(2, 35)
VECTOR(tanh) VECTOR(log1p) VECTOR(expm1)
#endif
#endif

/* Elementwise, as NumPy has them: nan stays nan, and the sign of 0 is 0. */

static inline real maximum(real x, real y) { return x > y || x != x ? x : y; }
static inline real minimum(real x, real y) { return x < y || x != x ? x : y; }
static inline real sign(real x) {
    return x > 0 ? (real)1 : x < 0 ? (real)-1 : x == 0 ? (real)0 : x;
}
static inline real square(real x) { return x * x; }
static inline real logaddexp(real x, real y) {
    real far = x - y;
    if (x == y) return x + (real)0.693147180559945309417232121458;
    if (far > 0) return x + log1p(exp(-far));
    return far <= 0 ? y + log1p(exp(far)) : far;
}

/* C = A B by strides, A with I rows and B with J columns, K long.

   A tile of C stays in registers while a row of A's numbers meets a row of B's.
   B is read in panels as wide as a tile; if its rows have gaps it is copied to
   such panels first. Long sums are added up in stretches, for a small number is
   lost beside a large sum. Only here a product and a sum may be rounded once:
   elsewhere x x - y y has to be 0 where x is y. */

/* So wide are registers, and so many rows of two of them leave some for A and B. */
#if defined(__AVX512F__)
#define WIDTH 64
#define ROWS 8
#elif defined(__AVX__)
#define WIDTH 32
#define ROWS 6
#elif defined(__aarch64__)
#define WIDTH 16
#define ROWS 8
#else
#define WIDTH 16
#define ROWS 4
#endif
#define LANES ((idx)(WIDTH / sizeof(real)))
#define SMALL 256 /* multiplications that are not worth a tile */
#define STRETCH 1024

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=fast")
#define CONTRACT
#elif defined(__clang__)
#define CONTRACT _Pragma("clang fp contract(fast)")
#else
#define CONTRACT
#endif

typedef real lanes __attribute__((vector_size(WIDTH)));
typedef real loose __attribute__((vector_size(WIDTH), aligned(sizeof(real)), may_alias));

static inline __attribute__((always_inline)) void
tile(const int wide, idx K, const real *const *a, idx ak, const real *b, idx bk, real *out) {
    CONTRACT
    for (idx begin = 0; begin < K; begin += STRETCH) {
        const idx end = begin + STRETCH < K ? begin + STRETCH : K;
        lanes c[ROWS][2];
        for (int r = 0; r < ROWS; r++) c[r][0] = c[r][1] = (lanes){0};
        for (idx k = begin; k < end; k++) {
            lanes b0 = *(const loose *)(b + k * bk), b1 = b0;
            if (wide) b1 = *(const loose *)(b + k * bk + LANES);
            for (int r = 0; r < ROWS; r++) {
                const real x = a[r][k * ak];
                c[r][0] += x * b0;
                if (wide) c[r][1] += x * b1;
            }
        }
        for (int r = 0; r < ROWS; r++) {
            loose *to = (loose *)(out + 2 * r * LANES);
            for (int q = 0; q < 2; q++) {
                if (begin) c[r][q] += to[q];
                to[q] = c[r][q];
            }
        }
    }
}

static real *panels(idx K, idx J, idx width, const real *b, idx bk, idx bj) {
    const idx count = (J + width - 1) / width;
    real *copy = malloc(sizeof(real) * (size_t)(count * K * width));
    if (!copy) return NULL;
    for (idx p = 0; p < count; p++)
        for (idx k0 = 0; k0 < K; k0 += 16) /* few lines of B at a time, if it is a transpose */
            for (idx j = 0; j < width; j++)
                for (idx k = k0; k < K && k < k0 + 16; k++)
                    copy[(p * K + k) * width + j] =
                        p * width + j < J ? b[k * bk + (p * width + j) * bj] : 0;
    return copy;
}

/* Ones, as many as are wanted, by strides of 0: their product is a sum over rows. */
static const real one[1] = {1};

SHARED int
matmul(idx I, idx J, idx K, const real *a, idx ai, idx ak, const real *b, idx bk, idx bj,
       real *c, idx ci, idx cj) {
    if (I * J * K <= SMALL) {
        for (idx i = 0; i < I; i++)
            for (idx j = 0; j < J; j++) {
                real total = 0;
                for (idx k = 0; k < K; k++) total += a[i * ai + k * ak] * b[k * bk + j * bj];
                c[i * ci + j * cj] = total;
            }
        return 0;
    }
    const int wide = J > LANES;
    const idx width = wide ? 2 * LANES : LANES;
    const idx whole = bj == 1 ? J / width * width : 0; /* columns that are read where they are */
    real *copy = NULL;
    if (whole < J) {
        copy = panels(K, J - whole, width, b + whole * bj, bk, bj);
        if (!copy) return 1;
    }
    for (idx j = 0; j < J; j += width) {
        const real *panel = j < whole ? b + j : copy + (j - whole) * K;
        const idx step = j < whole ? bk : width;
        for (idx i = 0; i < I; i += ROWS) {
            const real *rows[ROWS]; /* beyond the last one that one again */
            real out[ROWS * 2 * WIDTH / sizeof(real)];
            for (int r = 0; r < ROWS; r++) rows[r] = a + (i + r < I ? i + r : I - 1) * ai;
            if (wide) tile(1, K, rows, ak, panel, step, out);
            else tile(0, K, rows, ak, panel, step, out);
            for (idx r = 0; r < ROWS && i + r < I; r++) {
                const real *from = out + 2 * r * LANES;
                real *to = c + (i + r) * ci + j * cj;
                const idx count = J - j < width ? J - j : width;
                if (cj == 1 && count == width) memcpy(to, from, (size_t)width * sizeof(real));
                else
                    for (idx q = 0; q < count; q++) to[q * cj] = from[q];
            }
        }
    }
    free(copy);
    return 0;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif
