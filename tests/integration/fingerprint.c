/* SPDX-License-Identifier: Apache-2.0 */

#include "box.h"

ClientCall *fingerprint_open(Agent *agent) {
        Driver__FingerprintRequest request = DRIVER__FINGERPRINT_REQUEST__INIT;

        return client_open(agent->client, DRIVER "Fingerprint", &request.base);
}

void fingerprint_wait(ClientCall *call, Driver__FingerprintResponse__HealthState wanted) {
        for (bool found = false; !found;) {
                Driver__FingerprintResponse *response = NULL;

                cr_assert_eq(client_next(call, &driver__fingerprint_response__descriptor, LIMIT_MSEC,
                                     (ProtobufCMessage **) &response),
                        1);
                found = response->health == wanted;
                driver__fingerprint_response__free_unpacked(response, NULL);
        }
}
