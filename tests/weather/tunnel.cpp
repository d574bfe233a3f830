// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tunnel.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace onair::weather {
namespace {

constexpr const char* kName = "weather0";
constexpr const char* kNetmask = "255.255.255.252";

Obstacle failed(const std::string& what) {
  return {what + ": " + std::strerror(errno)};
}

sockaddr to_sockaddr(const std::string& address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &in.sin_addr);
  sockaddr generic{};
  std::memcpy(&generic, &in, sizeof in);
  return generic;
}

ifreq request_for(const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  return request;
}

std::optional<Obstacle> bring_up(int socket, const char* name) {
  auto request = request_for(name);
  if (ioctl(socket, SIOCGIFFLAGS, &request) != 0)
    return failed("the flags of an interface can't be read");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  if (ioctl(socket, SIOCSIFFLAGS, &request) != 0)
    return failed("an interface can't be brought up");
  return std::nullopt;
}

std::optional<Obstacle> configure(const std::string& address) {
  const Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0)
    return failed("no socket");
  auto request = request_for(kName);
  request.ifr_addr = to_sockaddr(address);
  if (ioctl(socket.get(), SIOCSIFADDR, &request) != 0)
    return failed("the address " + address + " can't be set");
  request.ifr_netmask = to_sockaddr(kNetmask);
  if (ioctl(socket.get(), SIOCSIFNETMASK, &request) != 0)
    return failed("the netmask can't be set");
  for (const auto* name : {"lo", kName}) {
    if (auto obstacle = bring_up(socket.get(), name))
      return obstacle;
  }
  // Browsers ask the routing table which of their addresses the world sees.
  rtentry route{};
  route.rt_dst = to_sockaddr("0.0.0.0");
  route.rt_genmask = to_sockaddr("0.0.0.0");
  route.rt_flags = RTF_UP;
  std::string device = kName;
  route.rt_dev = device.data();
  if (ioctl(socket.get(), SIOCADDRT, &route) != 0)
    return failed("the default route can't be set");
  return std::nullopt;
}

// A container may lack the device of a kernel that has the driver: that can be mended, by
// mknod /dev/net/tun c 10 200.
bool kernel_has_tun() {
  std::ifstream devices{"/proc/misc"};
  std::string number;
  for (std::string name; devices >> number >> name;) {
    if (name == "tun")
      return true;
  }
  return false;
}

// One path is enough, and neighbours' discovery would be counted with the packets. Where there is
// no IPv6, there is nothing to switch off.
void disable_ipv6() {
  for (const auto* which : {"all", "default"}) {
    const auto path = std::string{"/proc/sys/net/ipv6/conf/"} + which + "/disable_ipv6";
    const Fd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (file.get() >= 0 && write(file.get(), "1", 1) != 1)
      return;
  }
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0)
    close(fd_);
}

std::variant<Tunnel, Obstacle> open_tunnel(const std::string& address) {
  if (unshare(CLONE_NEWNET) != 0)
    return failed("no network namespace can be made (it takes root)");
  disable_ipv6();
  Tunnel tunnel{.space = Fd{open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)},
                .device = Fd{open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)}};
  if (tunnel.space.get() < 0)
    return failed("/proc/self/ns/net can't be opened");
  if (tunnel.device.get() < 0) {
    auto obstacle = failed("/dev/net/tun can't be opened");
    obstacle.is_kernel = !kernel_has_tun();
    return obstacle;
  }
  auto request = request_for(kName);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tunnel.device.get(), TUNSETIFF, &request) != 0)
    return failed("no TUN interface can be made (it takes root)");
  if (auto obstacle = configure(address))
    return *std::move(obstacle);
  return tunnel;
}

}  // namespace onair::weather
