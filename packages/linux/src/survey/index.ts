export {
  fileSystemFacts,
  fileSystemType,
  imaLabel,
  isElf,
  Survey,
  type SurveyedDirectory,
  type SurveyedFile,
  type SurveyedLabel,
  type SurveyProblem,
} from './survey.ts';
