//! The host's side of `wit/`: the only `bindgen!`.

wasmtime::component::bindgen!({
    path: "wit",
    world: "skep:app/app",
    imports: {
        "skep:app/db": async | trappable,
        "skep:app/credentials": async | trappable,
        "skep:app/settings": async | trappable,
        "skep:app/jobs": async | trappable,
        "skep:app/schedules": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "skep:app/db.connection": crate::capability::db::Connection,
    },
    trappable_error_type: {
        "skep:app/db.error" => crate::capability::db::DbError,
        "skep:app/jobs.error" => crate::capability::jobs::JobsError,
        "skep:app/schedules.error" => crate::capability::schedules::SchedulesError,
        "skep:app/settings.error" => crate::capability::settings::SettingsError,
    },
    require_store_data_send: true,
});
