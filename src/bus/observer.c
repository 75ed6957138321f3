/* SPDX-License-Identifier: Apache-2.0 */

#include "bus/observer.h"

void bus_observers_add(BusObservers *observers, BusObserver *observer, const BusObserverCallbacks *callbacks,
        void *userdata) {
        *observer = (BusObserver){ .list = observers, .callbacks = callbacks, .userdata = userdata };
        LIST_INSERT_HEAD(&observers->list, observer, observers);
}

void bus_observer_end(BusObserver *observer) {
        BusObservers *observers = observer->list;

        if (!observers)
                return;

        if (observers->next == observer)
                observers->next = LIST_NEXT(observer, observers);
        LIST_REMOVE(observer, observers);
        observer->list = NULL;
}

void bus_observers_clear(BusObservers *observers) {
        while (!LIST_EMPTY(&observers->list))
                bus_observer_end(LIST_FIRST(&observers->list));
}

static BusObserver *observers_step(BusObservers *observers) {
        BusObserver *observer = observers->next;

        if (observer)
                observers->next = LIST_NEXT(observer, observers);
        return observer;
}

int bus_observers_open(BusObservers *observers, sd_bus *bus) {
        BusObserver *observer;
        int r = 0;

        observers->next = LIST_FIRST(&observers->list);
        while (r >= 0 && (observer = observers_step(observers)))
                r = observer->callbacks->opened ? observer->callbacks->opened(observer->userdata, bus) : 0;
        observers->next = NULL;
        return r < 0 ? r : 0;
}

void bus_observers_lose(BusObservers *observers) {
        BusObserver *observer;

        observers->next = LIST_FIRST(&observers->list);
        while ((observer = observers_step(observers)))
                if (observer->callbacks->lost)
                        observer->callbacks->lost(observer->userdata);
}
