// SPDX-License-Identifier: LGPL-2.1-or-later
// Network weather without `tc netem`, which not every kernel has: two network namespaces, each with
// one interface, and between them this program, which carries every packet from one to the other
// as an Impairment decides. What runs in the namespaces has no other way out.
//
//   weather-relay [SEED]
//
// It says where the namespaces are, and then does as it is told on standard input (command.hpp)
// until that ends:
//
//   seed 7
//   near 10.99.0.1 /proc/4711/fd/4     whose packets go up:  nsenter --net=/proc/4711/fd/4 COMMAND
//   far 10.99.0.2 /proc/4711/fd/6      whose packets go down
//   ready
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "command.hpp"
#include "impairment.hpp"
#include "tunnel.hpp"

namespace onair::weather {
namespace {

constexpr const char* kNearAddress = "10.99.0.1";
constexpr const char* kFarAddress = "10.99.0.2";
constexpr int kSkipped = 77;  // as test programs say that they could not be run here
constexpr std::size_t kLargestPacket = 65'536;

ClockTime now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return ClockTime{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

struct Packet {
  ClockTime leaves;
  std::uint64_t number;  // those of one instant leave as they came
  std::vector<char> bytes;
};
struct LeavesLater {
  bool operator()(const Packet& a, const Packet& b) const {
    return a.leaves != b.leaves ? a.leaves > b.leaves : a.number > b.number;
  }
};

class Direction {
 public:
  Direction(const char* name, int from, int to, std::uint64_t seed)
      : name_{name}, from_{from}, to_{to}, impairment_{Weather{}, seed} {}

  [[nodiscard]] int source() const { return from_; }
  void change(const Weather& weather) { impairment_.change(weather); }

  void take_all() {
    std::array<char, kLargestPacket> buffer;
    for (;;) {
      const auto size = read(from_, buffer.data(), buffer.size());
      if (size <= 0)
        return;
      const auto fate = impairment_.on_packet(static_cast<std::size_t>(size), now());
      const auto* pass = std::get_if<Pass>(&fate);
      if (!pass)
        continue;
      const std::vector<char> bytes{buffer.data(), buffer.data() + size};
      if (pass->copy_at)
        waiting_.push({*pass->copy_at, ++numbered_, bytes});
      waiting_.push({pass->at, ++numbered_, bytes});
    }
  }

  void send_due() {
    while (!waiting_.empty() && waiting_.top().leaves <= now()) {
      const auto& packet = waiting_.top();
      lateness_ = std::max(lateness_, now() - packet.leaves);
      if (write(to_, packet.bytes.data(), packet.bytes.size()) < 0)
        ++refused_;  // as an interface does whose queue is full
      waiting_.pop();
    }
  }

  [[nodiscard]] ClockTime next_due() const {
    return waiting_.empty() ? ClockTime::max() : waiting_.top().leaves;
  }

  void tell() {
    const auto c = impairment_.take_counters();
    const double n = std::max(1.0, static_cast<double>(c.passed()));
    const double mean = in_ms(c.total_delay) / n;
    const double deviation = std::sqrt(std::max(0.0, c.squares * 1e6 / n - mean * mean));
    std::printf(
        "\"%s\":{\"packets\":%llu,\"bytes\":%llu,\"loss\":%llu,\"burst\":%llu,\"queue_full\":%llu,"
        "\"copies\":%llu,\"refused\":%llu,\"delay_ms\":{\"least\":%.1f,\"mean\":%.1f,"
        "\"deviation\":%.1f,\"largest\":%.1f},\"late_ms\":%.1f}",
        name_, static_cast<unsigned long long>(c.packets), static_cast<unsigned long long>(c.bytes),
        static_cast<unsigned long long>(c.drops[0]), static_cast<unsigned long long>(c.drops[1]),
        static_cast<unsigned long long>(c.drops[2]), static_cast<unsigned long long>(c.copies),
        static_cast<unsigned long long>(refused_), in_ms(c.least_delay), mean, deviation,
        in_ms(c.largest_delay), in_ms(lateness_));
    refused_ = 0;
    lateness_ = Duration::zero();
  }

 private:
  const char* name_;
  int from_;
  int to_;
  Impairment impairment_;
  std::priority_queue<Packet, std::vector<Packet>, LeavesLater> waiting_;
  std::uint64_t numbered_ = 0;
  std::uint64_t refused_ = 0;
  Duration lateness_{0};  // of this program, against what the weather decided
};

class Relay {
 public:
  Relay(int near, int far, std::uint64_t seed)
      : up_{"up", near, far, 2 * seed}, down_{"down", far, near, 2 * seed + 1} {}

  // Until standard input ends.
  int run() {
    const Fd timer{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
    std::array<pollfd, 4> polled{{{STDIN_FILENO, POLLIN, 0},
                                  {up_.source(), POLLIN, 0},
                                  {down_.source(), POLLIN, 0},
                                  {timer.get(), POLLIN, 0}}};
    for (;;) {
      set_timer(timer.get(), std::min(up_.next_due(), down_.next_due()));
      if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR)
        return 1;
      if (polled[0].revents != 0 && !listen())
        return 0;
      if (polled[1].revents != 0)
        up_.take_all();
      if (polled[2].revents != 0)
        down_.take_all();
      up_.send_due();
      down_.send_due();
    }
  }

 private:
  static void set_timer(int timer, ClockTime due) {
    itimerspec when{};  // all zero: never
    if (due != ClockTime::max()) {
      const auto since = std::max(due.time_since_epoch(), Duration{1});
      const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
      when.it_value = {static_cast<time_t>(seconds.count()),
                       static_cast<long>((since - seconds).count())};
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  bool listen() {
    std::array<char, 4096> buffer;
    const auto size = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size <= 0)
      return false;
    heard_.append(buffer.data(), static_cast<std::size_t>(size));
    for (auto end = heard_.find('\n'); end != std::string::npos; end = heard_.find('\n')) {
      obey(std::string_view{heard_}.substr(0, end));
      heard_.erase(0, end + 1);
    }
    return true;
  }

  void obey(std::string_view line) {
    const auto command = parse_command(line);
    if (const auto* mistake = std::get_if<Mistake>(&command)) {
      std::printf("error %s\n", mistake->text.c_str());
    } else if (const auto* change = std::get_if<ChangeWeather>(&command)) {
      if (change->up)
        up_.change(change->weather);
      if (change->down)
        down_.change(change->weather);
      std::printf("ok\n");
    } else {
      std::printf("counters {");
      up_.tell();
      std::printf(",");
      down_.tell();
      std::printf("}\n");
    }
    std::fflush(stdout);
  }

  Direction up_;
  Direction down_;
  std::string heard_;
};

int fail(const Obstacle& obstacle) {
  std::fprintf(stderr, "weather-relay: %s\n", obstacle.text.c_str());
  return obstacle.is_kernel ? kSkipped : 1;
}

int main(int argc, char** argv) {
  std::uint64_t seed = static_cast<std::uint64_t>(now().time_since_epoch().count()) % 1'000'000;
  if (argc > 1) {
    const std::string_view text{argv[1]};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    if (argc > 2 || error != std::errc{} || end != text.data() + text.size()) {
      std::fprintf(stderr, "usage: weather-relay [SEED]\n");
      return 2;
    }
  }
  const auto near = open_tunnel(kNearAddress);
  if (const auto* obstacle = std::get_if<Obstacle>(&near))
    return fail(*obstacle);
  const auto far = open_tunnel(kFarAddress);
  if (const auto* obstacle = std::get_if<Obstacle>(&far))
    return fail(*obstacle);

  // The kernel may else put wake-ups off by 50 µs, to save power.
  prctl(PR_SET_TIMERSLACK, 1);
  const auto& near_tunnel = std::get<Tunnel>(near);
  const auto& far_tunnel = std::get<Tunnel>(far);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::printf("near %s /proc/%d/fd/%d\n", kNearAddress, getpid(), near_tunnel.space.get());
  std::printf("far %s /proc/%d/fd/%d\n", kFarAddress, getpid(), far_tunnel.space.get());
  std::printf("ready\n");
  std::fflush(stdout);
  return Relay{near_tunnel.device.get(), far_tunnel.device.get(), seed}.run();
}

}  // namespace
}  // namespace onair::weather

int main(int argc, char** argv) {
  return onair::weather::main(argc, argv);
}
