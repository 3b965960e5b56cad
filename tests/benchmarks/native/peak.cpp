// How many fused multiply-adds one core does: chains that do not wait for each other, as many as
// hide the latency, in the widest vectors there are.

namespace {

typedef double Vector __attribute__((vector_size(__BIGGEST_ALIGNMENT__)));

constexpr int lanes = sizeof(Vector) / sizeof(double);
constexpr int chains = 12;  // 2 a cycle, 4 cycles each: 8 would do; 16 registers hold 12

}  // namespace

extern "C" double flops_of(long rounds) { return 2.0 * lanes * chains * rounds; }

extern "C" double multiply_add(long rounds, double factor, double term) {
    const Vector a = factor - Vector{}, b = term - Vector{};
    Vector x[chains];
    for (int c = 0; c < chains; ++c) x[c] = a + c;
    for (long r = 0; r < rounds; ++r)
        for (int c = 0; c < chains; ++c) x[c] = x[c] * a + b;
    double total = 0.0;
    for (int c = 0; c < chains; ++c)
        for (int lane = 0; lane < lanes; ++lane) total += x[c][lane];
    return total;
}
