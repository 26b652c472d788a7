//! The module that the page predicts with runs the very rules that the server runs.

use std::{fs, path::Path};

use arena_shared::{
    ArenaRules,
    gun::RELOAD_TICKS,
    motion::ANGLES,
    ship::TURN_MAX,
    world::{POSITION_MAX, VELOCITY_MAX, VELOCITY_MIN},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tickwire_rules::Rules;
use wasmi::{Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

const MODULE: &str = "../web-client/game/rules.wasm";
const REBUILD: &str = "rebuild it with shared/game/module/build";

/// Flights, and how long each is: long enough to thrust up to full speed, and into walls.
const FLIGHTS: u32 = 400;
const FLIGHT_TICKS: u32 = 100;

/// The module, as a page uses it.
struct RulesModule {
    store: Store<()>,
    memory: Memory,
    state: usize,
    input: usize,
    step: TypedFunc<(), ()>,
}

impl RulesModule {
    fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(MODULE);
        let bytes = fs::read(&path).unwrap_or_else(|error| {
            panic!("{} cannot be read ({error}): {REBUILD}", path.display())
        });
        let engine = Engine::default();
        let module = Module::new(&engine, &bytes).expect("a WebAssembly module");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate_and_start(&mut store, &module)
            .expect("a module that imports nothing");
        let memory = instance.get_memory(&store, "memory").expect("it exports its memory");
        let ask = |store: &mut Store<()>, name| ask(store, &instance, name);
        assert_eq!(ask(&mut store, "state_words"), ArenaRules::STATE_WORDS, "{REBUILD}");
        assert_eq!(ask(&mut store, "input_words"), ArenaRules::INPUT_WORDS, "{REBUILD}");
        let (state, input) = (ask(&mut store, "state"), ask(&mut store, "input"));
        let step = instance.get_typed_func(&store, "step").expect("it exports step()");
        Self { store, memory, state, input, step }
    }

    fn step(&mut self, state: &mut [i32], input: &[i32]) {
        self.write(self.state, state);
        self.write(self.input, input);
        self.step.call(&mut self.store, ()).expect("a step does not trap");
        let mut bytes = vec![0; state.len() * 4];
        self.memory.read(&self.store, self.state, &mut bytes).expect("the state's place");
        let (words, _) = bytes.as_chunks();
        for (word, bytes) in state.iter_mut().zip(words) {
            *word = i32::from_le_bytes(*bytes);
        }
    }

    fn write(&mut self, at: usize, words: &[i32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.memory.write(&mut self.store, at, &bytes).expect("a place for words");
    }
}

fn ask(store: &mut Store<()>, instance: &Instance, name: &str) -> usize {
    let ask = instance.get_typed_func::<(), i32>(&*store, name);
    let ask = ask.unwrap_or_else(|_| panic!("no {name}() in the module: {REBUILD}"));
    let answer = ask.call(store, ()).expect("an answer");
    usize::try_from(answer).expect("a number or an address")
}

#[test]
fn the_module_steps_as_the_server_does() {
    let mut module = RulesModule::load();
    let mut random = StdRng::seed_from_u64(5);
    let mut shots = 0;
    for flight in 0..FLIGHTS {
        let mut state = random_state(&mut random);
        let mut input = random_input(&mut random);
        for tick in 0..FLIGHT_TICKS {
            if random.random_range(0..8) == 0 {
                input = random_input(&mut random);
            }
            let mut expected = state;
            ArenaRules::step(&mut expected, &input);
            let before = state;
            module.step(&mut state, &input);
            assert_eq!(
                state, expected,
                "flight {flight}, tick {tick}: from {before:?} by {input:?} the module comes to \
                 the first of these, the server to the second. The rules have changed: {REBUILD}"
            );
            shots += u32::from(state.get(6) == Some(&1));
        }
    }
    assert!(shots > FLIGHTS, "the flights are not all peaceful: {shots} shots");
}

#[test]
fn the_module_takes_any_words() {
    let mut module = RulesModule::load();
    let mut random = StdRng::seed_from_u64(6);
    for _ in 0..2_000 {
        let mut state = [(); ArenaRules::STATE_WORDS].map(|()| any_word(&mut random));
        let input = [(); ArenaRules::INPUT_WORDS].map(|()| any_word(&mut random));
        let mut expected = state;
        ArenaRules::step(&mut expected, &input);
        module.step(&mut state, &input);
        assert_eq!(state, expected, "{REBUILD}");
    }
}

fn random_state(random: &mut StdRng) -> [i32; ArenaRules::STATE_WORDS] {
    let mut place = || random.random_range(0..=POSITION_MAX);
    let [x, y] = [place(), place()];
    let mut speed = || random.random_range(VELOCITY_MIN..=VELOCITY_MAX);
    let [velocity_x, velocity_y] = [speed(), speed()];
    let angle = random.random_range(0..i32::from(ANGLES));
    let reload_ticks = random.random_range(0..=i32::from(RELOAD_TICKS));
    [x, y, velocity_x, velocity_y, angle, reload_ticks, 0, 0, 0, 0, 0]
}

fn random_input(random: &mut StdRng) -> [i32; ArenaRules::INPUT_WORDS] {
    let turn_max = i32::from(TURN_MAX);
    let turn = random.random_range(-turn_max..=turn_max);
    [i32::from(random.random_bool(0.7)), i32::from(random.random_bool(0.5)), turn]
}

fn any_word(random: &mut StdRng) -> i32 {
    let bits = random.random_range(0..32);
    random.random::<i32>() >> bits
}
