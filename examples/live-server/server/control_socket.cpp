// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/control_socket.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace live {

using onair::ErrorPtr;
using onair::GstPtr;

ControlSocket::~ControlSocket() {
  if (service_) {
    g_socket_service_stop(service_.get());
    g_socket_listener_close(G_SOCKET_LISTENER(service_.get()));
    ::unlink(path_.c_str());
  }
  if (lock_ >= 0)
    ::close(lock_);
}

std::string ControlSocket::listen(const std::string& folder) {
  lock_ = ::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0)
    return "The folder " + folder + " can't be written: " + std::strerror(errno) + ".";
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    return "Another server runs with the folder " + folder + ".";
  path_ = folder + "/control";
  ::unlink(path_.c_str());  // of a server that was killed
  if (path_.size() >= sizeof(sockaddr_un{}.sun_path))
    return "The folder's name is too long for a socket in it: " + folder + ".";
  service_ = GstPtr<GSocketService>::adopt(g_socket_service_new());
  const auto address = GstPtr<GSocketAddress>::adopt(g_unix_socket_address_new(path_.c_str()));
  GError* raw = nullptr;
  const auto mask = ::umask(0077);  // nobody else's workers
  const bool listens = g_socket_listener_add_address(
      G_SOCKET_LISTENER(service_.get()), address.get(), G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_DEFAULT, nullptr, nullptr, &raw);
  ::umask(mask);
  if (!listens) {
    const ErrorPtr error{raw};
    return "The socket " + path_ + " can't be made: " + error->message + ".";
  }
  g_signal_connect(service_.get(), "incoming", G_CALLBACK(&ControlSocket::on_incoming), this);
  g_socket_service_start(service_.get());
  return {};
}

gboolean ControlSocket::on_incoming(GSocketService*, GSocketConnection* connection, GObject*,
                                    gpointer self) {
  // The connection closes its socket as it goes: this is another one on the same file.
  GError* raw = nullptr;
  const int fd =
      ::fcntl(g_socket_get_fd(g_socket_connection_get_socket(connection)), F_DUPFD_CLOEXEC, 0);
  auto socket = GstPtr<GSocket>::adopt(fd >= 0 ? g_socket_new_from_fd(fd, &raw) : nullptr);
  const ErrorPtr error{raw};
  if (socket)
    static_cast<ControlSocket*>(self)->on_connection_(std::move(socket));
  return TRUE;
}

}  // namespace live
