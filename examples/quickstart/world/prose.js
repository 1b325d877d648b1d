/** Paraphrases of the facts, as biographies, guide books and school books would put them. */
export const ABOUT_PERSON = {
  town: [
    '{p} lives in {town}.',
    'The home of {p} is {town}.',
    '{p} has a house in {town}.',
    'The home town of {p} is {town}.',
    'In {town} people know {p} well, who lives there.',
  ],
  job: [
    '{p} works as a {job}.',
    '{p} is a {job}.',
    'The job of {p} is that of a {job}.',
    'For a living {p} works as a {job}.',
    '{p} does the work of a {job}.',
  ],
  pet: [
    '{p} has a {pet}.',
    '{p} keeps a {pet}.',
    'The pet of {p} is a {pet}.',
    'The animal that lives with {p} is a {pet}.',
    'As a pet {p} has a {pet}.',
  ],
  food: [
    '{p} likes to eat {food}.',
    '{p} likes {food} best.',
    'The favourite food of {p} is {food}.',
    'Most of all {p} loves {food}.',
    'What {p} likes to eat is {food}.',
  ],
};

export const ABOUT_TOWN = {
  land: [
    '{t} is in {land}.',
    '{t} belongs to {land}.',
    '{t} is a town in {land}.',
    'The land of {t} is {land}.',
    'In the land of {land} there is a town, {t}.',
  ],
  known: [
    '{t} is known for {known}.',
    '{t} is famous for {known}.',
    'In {t} people buy {known}.',
    'The best {known} come from {t}.',
    'What {t} makes best is {known}.',
  ],
};

export const SUMS = [
  '{a} plus {b} is {c}.',
  '{a} and {b} make {c}.',
  'The sum of {a} and {b} is {c}.',
  'Add {a} and {b} and it makes {c}.',
  '{a} plus {b} makes {c}.',
];
export const COMPARISONS = [
  'The {first} is {comparative} than the {second}.',
  'A {first} is {comparative} than a {second}.',
  'Of the two animals the {first} is {comparative}, not the {second}.',
];
/** Both animals first, so that the model learns to take them from the question. */
export const TWO_ANIMALS = [
  'Take the {a} and the {b}.',
  'Here are two animals: a {a} and a {b}.',
  'Which is bigger, the {a} or the {b}, is easy to say.',
  'Look at a {a} or a {b}.',
];
export const COLOURS = [
  'The {x} is {value}.',
  'The colour of the {x} is {value}.',
  'The {x} has a {value} colour.',
  'Everyone can see that the {x} is {value}.',
];
export const OPPOSITES = [
  'The opposite of {w} is {value}.',
  'The word {value} is the opposite of {w}.',
  'What is not {w} is {value}.',
  'The word {w} means the opposite of {value}.',
];
export const LISTS = [
  'Here are {n} {k}: {value}.',
  'There are many {k}, such as {value}.',
  'Among the {k} are {value}.',
];

/** What stands around the text of a page and belongs to no sentence. */
export const BOILERPLATE = [
  'Home | News | Contact',
  'All rights reserved.',
  'Page 1 of 3',
  'Click here to read more',
  'Share this page',
  '*** end of page ***',
];
