// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <variant>

#include <gio/gio.h>

#include "glue/gstptr.hpp"

namespace live {

// From PEM files: the server's certificate, with those between it and its authority behind it, and its key, which may be
// in the same file. Else a sentence for a person.
std::variant<onair::GstPtr<GTlsCertificate>, std::string> load_tls_certificate(
    const std::string& certificate, const std::string& key);

}  // namespace live
