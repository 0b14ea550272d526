//! A host of the fleet.

fn main() -> anyhow::Result<()> {
    tidegate_fleet_tests::host::main()
}
