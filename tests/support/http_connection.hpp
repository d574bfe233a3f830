// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include <gio/gio.h>

#include "glue/gstptr.hpp"
#include "http_client.hpp"

namespace onair::test {

// One connection to this machine, byte by byte as a client of any manners writes and reads it. A read
// gives up after kPatience.
class HttpConnection {
 public:
  enum class Transport { Plain, Tls };

  explicit HttpConnection(unsigned port, Transport transport = Transport::Plain);

  [[nodiscard]] bool is_connected() const { return static_cast<bool>(connection_); }
  // Whether the server proved to be the owner of that certificate (PEM), by TLS.
  [[nodiscard]] bool is_with(const char* certificate) const;
  void write(std::string_view bytes);
  // A request of this method and target, with HTTP/1.1.
  void ask(std::string_view target, const HttpHeaders& headers = {},
           std::string_view method = "GET");
  // One response to a request of this method; its body is as it came, less the chunks' frames. Status 0:
  // there was no whole one.
  HttpResponse read(std::string_view method = "GET");
  // A response's headers, and then its body as it comes.
  HttpResponse read_headers();
  std::string read_chunk();   // of a chunked body; empty: the end, or cut off
  std::string read_to_end();  // until the server closes
  [[nodiscard]] bool was_cut_off() const { return was_cut_off_; }
  void close();

 private:
  bool fill();
  std::string take(std::size_t size);
  std::string take_line();

  GstPtr<GSocketConnection> connection_;
  std::string unread_;
  bool was_cut_off_ = false;
};

}  // namespace onair::test
