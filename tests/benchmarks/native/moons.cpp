// A training step of a 2-16-16-1 network of relu, mean squared error: loss and all 337 gradients.
// Plain loops over arrays whose sizes the compiler knows, one row at a time, nothing allocated.
// Parameters and gradients lie as in nn.MLP: for each neuron its weights and then its bias.

#include <cstring>

namespace {

template <int In, int Out>
struct Layer {
    double rows[Out][In + 1];

    void forward(const double (&x)[In], double (&out)[Out]) const {
        for (int o = 0; o < Out; ++o) {
            double total = rows[o][In];
            for (int i = 0; i < In; ++i) total += rows[o][i] * x[i];
            out[o] = total;
        }
    }

    // Adds to the gradients of this layer's parameters.
    void accumulate(const double (&x)[In], const double (&adjoint)[Out]) {
        for (int o = 0; o < Out; ++o) {
            for (int i = 0; i < In; ++i) rows[o][i] += adjoint[o] * x[i];
            rows[o][In] += adjoint[o];
        }
    }

    // The adjoints of the inputs, which are outputs of relu: 0 where it was off.
    void backward(const double (&x)[In], const double (&adjoint)[Out], double (&below)[In]) const {
        for (int i = 0; i < In; ++i) below[i] = 0.0;
        for (int o = 0; o < Out; ++o)
            for (int i = 0; i < In; ++i) below[i] += adjoint[o] * rows[o][i];
        for (int i = 0; i < In; ++i) below[i] = x[i] > 0.0 ? below[i] : 0.0;
    }
};

template <int N>
void relu(double (&x)[N]) {
    for (int i = 0; i < N; ++i) x[i] = x[i] > 0.0 ? x[i] : 0.0;
}

struct Network {
    Layer<2, 16> first;
    Layer<16, 16> second;
    Layer<16, 1> third;
};

constexpr int parameters = sizeof(Network) / sizeof(double);
static_assert(parameters == 337, "2-16-16-1");

}  // namespace

// rows: x0, x1, target. out: the mean loss, then its gradient by each parameter.
extern "C" void step(const double* theta, const double* rows, long count, double* out) {
    Network net, gradient{};
    std::memcpy(&net, theta, sizeof net);
    double loss = 0.0;
    for (const double* row = rows; row != rows + 3 * count; row += 3) {
        const double x[2] = {row[0], row[1]};
        double h1[16], h2[16], y[1], d1[16], d2[16];
        net.first.forward(x, h1);
        relu(h1);
        net.second.forward(h1, h2);
        relu(h2);
        net.third.forward(h2, y);
        const double error = y[0] - row[2];
        const double dy[1] = {2.0 * error};
        loss += error * error;
        gradient.third.accumulate(h2, dy);
        net.third.backward(h2, dy, d2);
        gradient.second.accumulate(h1, d2);
        net.second.backward(h1, d2, d1);
        gradient.first.accumulate(x, d1);
    }
    double sums[parameters];
    std::memcpy(sums, &gradient, sizeof gradient);
    out[0] = loss / count;
    for (int i = 0; i < parameters; ++i) out[i + 1] = sums[i] / count;
}
