import { nothing } from "./elsewhere.js"; // a module of the frontend
